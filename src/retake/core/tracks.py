"""Choosing the track of sound that is edited, where a file has several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retake.core.errors import BadRequest, wrong_type
from retake.core.source import AudioStream, Source

_ACCEPTED = "a track's number from 1 on, or a language such as eng"

# ISO 639-1 and the codes of ISO 639-2 that stand for the same language, both kinds of them.
_LANGUAGES = (
    "ar ara|bg bul|bn ben|cs cze ces|da dan|de ger deu|el gre ell|en eng|es spa|et est|fa per fas|"
    "fi fin|fr fre fra|he heb|hi hin|hr hrv|hu hun|id ind|is ice isl|it ita|ja jpn|ko kor|lt lit|"
    "lv lav|ms may msa|nl dut nld|no nor nob nno|pl pol|pt por|ro rum ron|ru rus|sk slo slk|sl slv|"
    "sr srp|sv swe|ta tam|te tel|th tha|tr tur|uk ukr|ur urd|vi vie|zh chi zho"
)
_SAME = tuple(frozenset(group.split()) for group in _LANGUAGES.split("|"))


def check_audio_track(payload: Mapping[str, Any]) -> int | str | None:
    """Return the track that a payload asks for: its number from 1 on, or a language.

    Raises:
        BadRequest: `wrong_type`, or `unknown_audio_track` for a number below 1 and for a text
            that is no language code.
    """
    value = payload.get("audio_track")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise wrong_type("audio_track", value, _ACCEPTED)
    text = str(value).strip().lower()
    if text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) > 0:
        return int(text)
    if text.isascii() and text.isalpha() and len(text) in {2, 3}:
        return text
    raise BadRequest(
        "unknown_audio_track",
        f"audio_track is {str(value)[:40]!r}; accepted is {_ACCEPTED}",
        param="audio_track",
    )


def edited(source: Source, wanted: int | str | None) -> Source:
    """Return a source whose first track of sound is the one that is to be edited.

    Args:
        source: What was found in a file.
        wanted: See `check_audio_track`; None keeps the one that players choose.

    Raises:
        BadRequest: `unknown_audio_track`: it has no such track.
    """
    if wanted is None:
        return source
    tracks = sorted(source.audio, key=lambda audio: audio.index)
    for number, audio in enumerate(tracks, start=1):
        if wanted == number or (isinstance(wanted, str) and _speaks(audio, wanted)):
            return source.with_track_first(audio.index)
    there = ", ".join(
        f"{number} ({audio.language or 'no language'}, {audio.codec})"
        for number, audio in enumerate(tracks, start=1)
    )
    raise BadRequest(
        "unknown_audio_track",
        f"audio_track is {wanted!r}; the video has {there or 'no sound'}",
        param="audio_track",
    )


def _speaks(audio: AudioStream, language: str) -> bool:
    own = (audio.language or "").lower().partition("-")[0]
    return bool(own) and (own == language or any({own, language} <= same for same in _SAME))
