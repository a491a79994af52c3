"""One parameter of a payload after the other, checked; wire names and ranges as in docs/api.md."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any

from retake.core.errors import BadRequest, wrong_type
from retake.core.timing import FrameCount

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


def check_uri(payload: Mapping[str, Any]) -> str:
    """Return where the video is.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
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
    if not uri.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in uri):
        raise BadRequest(
            "control_character", "video_uri holds a control character", param="video_uri"
        )
    return uri.strip()


def check_seconds(
    payload: Mapping[str, Any], param: str, default: Fraction
) -> Fraction | FrameCount:
    """Return a time in seconds; one that the command line told in frames as it is.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
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
    return Fraction(value if isinstance(value, int) else repr(value))


def check_duration(payload: Mapping[str, Any], least: Fraction) -> Fraction | FrameCount:
    """Return how long the section is, at least `least` seconds.

    Raises:
        BadRequest: It is of the wrong type or too short.
    """
    duration = check_seconds(payload, "duration", DEFAULT_DURATION)
    if isinstance(duration, Fraction) and duration < least:
        raise BadRequest(
            "duration_too_short",
            f"duration is {float(duration):g} s; at least {float(least):g} s is accepted",
            param="duration",
        )
    return duration


def check_start(payload: Mapping[str, Any]) -> Fraction | FrameCount:
    """Return when the section starts.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
    start = check_seconds(payload, "start_time", DEFAULT_START)
    if isinstance(start, Fraction) and start < 0:
        raise BadRequest(
            "start_negative",
            f"start_time is {float(start):g} s; 0 or more is accepted",
            param="start_time",
        )
    return start


def check_prompt(payload: Mapping[str, Any]) -> str:
    """Return the prompt without blanks around it; empty where there is none.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
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
    # What is printable holds neither; looking at each character takes its time.
    for at, character in enumerate("" if prompt.isprintable() else prompt):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
            raise BadRequest(
                "control_character",
                f"prompt holds the control character U+{ord(character):04X} at position {at}; "
                "accepted are printable characters, tabs and line breaks",
                param="prompt",
            )
    return prompt.strip()


def check_mode(payload: Mapping[str, Any]) -> Mode:
    """Return what is replaced.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
    mode = payload.get("mode")
    if mode is None:
        return Mode.AUDIO_AND_VIDEO
    if not isinstance(mode, str):
        raise wrong_type("mode", mode, f"one of {', '.join(Mode)}")
    try:
        return Mode(mode)
    except ValueError:
        raise BadRequest(
            "unknown_mode",
            f"mode is {mode[:40]!r}; accepted is one of {', '.join(Mode)}",
            param="mode",
        ) from None


def check_seed(payload: Mapping[str, Any]) -> int | None:
    """Return the seed; None where none was sent.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
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


def check_options(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the engine's own parameters, as they came.

    Raises:
        BadRequest: It is missing, of the wrong type or out of range.
    """
    options = payload.get("options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise wrong_type("options", options, "an object")
    return dict(options)
