"""What somebody asks for, checked once for every door: command line, HTTP, page.

Wire names and limits are those of the hosted model's page (docs/api.md).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from retake.core.conversion import Conversion, check_conversion
from retake.core.errors import BadRequest, wrong_type
from retake.core.timing import FrameCount
from retake.core.tracks import check_audio_track

DEFAULT_START = Fraction(0)
DEFAULT_DURATION = Fraction(5)
MAX_PROMPT = 5000
MAX_SEED = 2**32 - 1
MAX_URI = 8192


class Mode(StrEnum):
    """What is replaced in the section."""

    AUDIO_AND_VIDEO = "replace_audio_and_video"
    AUDIO = "replace_audio"
    VIDEO = "replace_video"

    @property
    def replaces_video(self) -> bool:
        """Whether the section's frames are made anew."""
        return self is not Mode.AUDIO

    @property
    def replaces_audio(self) -> bool:
        """Whether the section's sound is made anew."""
        return self is not Mode.VIDEO


class Status(StrEnum):
    """Where a request stands, in the hosted API's words."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing more will happen to the request."""
        return self in {Status.SUCCESS, Status.FAILED, Status.CANCELLED}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is accepted. The defaults are the hosted model's."""

    max_seconds: Fraction = Fraction(21)
    min_section: Fraction = Fraction(2)
    max_long_side: int = 3840
    max_short_side: int = 2160
    max_bytes: int = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class RetakeRequest:
    """A request whose parameters are well-formed; whether they fit the source is known later.

    Times are seconds, or counts of the source's frames where the command line was told so. `seed`
    None means that one is drawn when the request is accepted. `options` are the engine's own
    parameters, passed on as they came. `audio_track`: see `tracks`; None leaves it to the file.
    """

    video_uri: str
    start_time: Fraction | FrameCount = DEFAULT_START
    duration: Fraction | FrameCount = DEFAULT_DURATION
    prompt: str = ""
    mode: Mode = Mode.AUDIO_AND_VIDEO
    seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    audio_track: int | str | None = None
    conversion: Conversion = field(default_factory=Conversion)


_KNOWN = frozenset({"video_uri", "start_time", "duration", "prompt", "mode", "seed", "options"})
_FORM = frozenset({"audio_track", "container", "video_codec", "audio_codec"})


def check_payload(
    payload: Mapping[str, Any], limits: Limits
) -> tuple[RetakeRequest, tuple[str, ...]]:
    """Return the request that `payload` describes, and warnings about what was not understood.

    A parameter that is null counts as one that was not sent: many clients send all that they know.

    Args:
        payload: Decoded JSON with the wire's names. Times may be int, float, Fraction or, from
            the command line, FrameCount.
        limits: What this instance accepts.

    Raises:
        BadRequest: A parameter is missing, of the wrong type or out of range; `param` names it.
    """
    warnings = tuple(
        f"unknown parameter {str(key)[:80]!r} was ignored"
        for key in payload
        if key not in _KNOWN | _FORM
    )
    duration = _seconds(payload, "duration", DEFAULT_DURATION)
    if isinstance(duration, Fraction) and duration < limits.min_section:
        raise BadRequest(
            "duration_too_short",
            f"duration is {float(duration):g} s; at least {float(limits.min_section):g} s "
            "is accepted",
            param="duration",
        )
    return (
        RetakeRequest(
            video_uri=_uri(payload),
            start_time=_start(payload),
            duration=duration,
            prompt=_prompt(payload),
            mode=_mode(payload),
            seed=_seed(payload),
            options=_options(payload),
            audio_track=check_audio_track(payload),
            conversion=check_conversion(payload),
        ),
        warnings,
    )


def _uri(payload: Mapping[str, Any]) -> str:
    if "video_uri" not in payload:
        raise BadRequest(
            "missing", "video_uri is missing; accepted is the URL of a video", param="video_uri"
        )
    uri = payload["video_uri"]
    if not isinstance(uri, str) or not uri.strip():
        raise wrong_type("video_uri", uri, "the URL of a video")
    if len(uri) > MAX_URI:
        raise BadRequest(
            "uri_too_long",
            f"video_uri has {len(uri)} characters; at most {MAX_URI} are accepted",
            param="video_uri",
        )
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in uri):
        raise BadRequest(
            "control_character", "video_uri holds a control character", param="video_uri"
        )
    return uri.strip()


def _seconds(payload: Mapping[str, Any], param: str, default: Fraction) -> Fraction | FrameCount:
    value = payload.get(param)
    if value is None:
        return default
    if isinstance(value, Fraction | FrameCount):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(param, value, "a number of seconds")
    if not math.isfinite(value):
        raise BadRequest(
            "not_finite",
            f"{param} is {value}; accepted is a finite number of seconds",
            param=param,
        )
    # repr gives back the decimal that the sender wrote: 2.1 becomes 21/10, not its binary
    # neighbour.
    return Fraction(repr(value))


def _start(payload: Mapping[str, Any]) -> Fraction | FrameCount:
    start = _seconds(payload, "start_time", DEFAULT_START)
    if isinstance(start, Fraction) and start < 0:
        raise BadRequest(
            "start_negative",
            f"start_time is {float(start):g} s; 0 or more is accepted",
            param="start_time",
        )
    return start


def _prompt(payload: Mapping[str, Any]) -> str:
    prompt = payload.get("prompt")
    if prompt is None:
        return ""
    if not isinstance(prompt, str):
        raise wrong_type("prompt", prompt, "a text")
    if len(prompt) > MAX_PROMPT:
        raise BadRequest(
            "prompt_too_long",
            f"prompt has {len(prompt)} characters; at most {MAX_PROMPT} are accepted",
            param="prompt",
        )
    for at, character in enumerate(prompt):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
            raise BadRequest(
                "control_character",
                f"prompt holds the control character U+{ord(character):04X} at position {at}; "
                "accepted are printable characters, tabs and line breaks",
                param="prompt",
            )
    return prompt.strip()


def _mode(payload: Mapping[str, Any]) -> Mode:
    mode = payload.get("mode")
    if mode is None:
        return Mode.AUDIO_AND_VIDEO
    accepted = ", ".join(Mode)
    if not isinstance(mode, str):
        raise wrong_type("mode", mode, f"one of {accepted}")
    try:
        return Mode(mode)
    except ValueError:
        raise BadRequest(
            "unknown_mode", f"mode is {mode[:40]!r}; accepted is one of {accepted}", param="mode"
        ) from None


def _seed(payload: Mapping[str, Any]) -> int | None:
    seed = payload.get("seed")
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise wrong_type("seed", seed, f"a whole number from 0 to {MAX_SEED}")
    if not 0 <= seed <= MAX_SEED:
        raise BadRequest(
            "seed_out_of_range",
            f"seed is {seed}; accepted is a whole number from 0 to {MAX_SEED}",
            param="seed",
        )
    return seed


def _options(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    options = payload.get("options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise wrong_type("options", options, "an object")
    return dict(options)
