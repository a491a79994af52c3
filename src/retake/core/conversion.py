"""What of a file's form somebody wants changed: its container, its codecs. Nothing by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from retake.core.containers import AUDIO_CODECS, CONTAINERS, VIDEO_CODECS, title_of
from retake.core.errors import BadRequest, wrong_type


@dataclass(frozen=True, slots=True)
class Conversion:
    """The form that a request asks for; None keeps the source's.

    Attributes:
        container: A name of `containers.CONTAINERS`.
        video_codec: One of `containers.VIDEO_CODECS`.
        audio_codec: One of `containers.AUDIO_CODECS`, for the track that is edited.
    """

    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None


def check_conversion(payload: Mapping[str, Any]) -> Conversion:
    """Return the conversion that a payload asks for.

    Raises:
        BadRequest: `wrong_type`, `unknown_container`, `unknown_video_codec`,
            `unknown_audio_codec`, or `codec_not_in_container` for a pair that does not go
            together.
    """
    wanted = Conversion(
        _one_of("unknown_container", payload, "container", CONTAINERS),
        _one_of("unknown_video_codec", payload, "video_codec", VIDEO_CODECS),
        _one_of("unknown_audio_codec", payload, "audio_codec", AUDIO_CODECS),
    )
    if wanted.container is not None:
        check_fits(wanted, wanted.container)
    return wanted


def check_fits(wanted: Conversion, container: str) -> None:
    """Let pass a conversion whose codecs a container holds.

    Raises:
        BadRequest: `codec_not_in_container`.
    """
    home = CONTAINERS.get(container)
    if home is None:
        return
    _check_held("video_codec", wanted.video_codec, home.title, home.video, VIDEO_CODECS)
    _check_held("audio_codec", wanted.audio_codec, home.title, home.audio, AUDIO_CODECS)


def _check_held(
    param: str, codec: str | None, title: str, held: Iterable[str], known: Mapping[str, str]
) -> None:
    if codec is None or codec in held:
        return
    accepted = ", ".join(name for name in known if name in held)
    raise BadRequest(
        "codec_not_in_container",
        f"{param} is {codec}, but {title} does not hold {title_of(codec)}; accepted in it is one "
        f"of {accepted}",
        param=param,
    )


def _one_of(
    code: str, payload: Mapping[str, Any], param: str, known: Mapping[str, object]
) -> str | None:
    value = payload.get(param)
    if value is None:
        return None
    accepted = "one of " + ", ".join(known)
    if not isinstance(value, str):
        raise wrong_type(param, value, accepted)
    name = value.strip().lower()
    if name not in known:
        raise BadRequest(code, f"{param} is {value[:40]!r}; accepted is {accepted}", param=param)
    return name
