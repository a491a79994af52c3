"""What somebody asks for, checked once for every door: command line, HTTP, page.

Wire names and limits are those of the hosted model's page (docs/api.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from retake.core.conversion import Conversion, check_conversion
from retake.core.payload import (
    DEFAULT_DURATION,
    DEFAULT_START,
    MAX_SEED,
    Mode,
    check_duration,
    check_mode,
    check_options,
    check_prompt,
    check_seed,
    check_start,
    check_uri,
)
from retake.core.sections import SectionAsked, check_sections
from retake.core.takes import Pick, check_pick, check_takes, following
from retake.core.timing import FrameCount
from retake.core.tracks import check_audio_track

__all__ = [
    "DEFAULT_DURATION",
    "DEFAULT_START",
    "MAX_SEED",
    "Limits",
    "Mode",
    "RetakeRequest",
    "Status",
    "check_payload",
]


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
    Where `sections` lists several, `start_time` and `duration` are the first one's. `seeds` are
    those of `takes` takes where they were listed; `seed` is then the first of them. `pick` says
    which of them is given out first.
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
    sections: tuple[SectionAsked, ...] = ()
    takes: int = 1
    seeds: tuple[int, ...] = ()
    pick: Pick = Pick.FIRST

    @property
    def parts(self) -> tuple[SectionAsked, ...]:
        """The sections that are asked for, one at least."""
        one = SectionAsked(self.start_time, self.duration, self.prompt, self.mode)
        return self.sections or (one,)

    def take_seeds(self, first: int) -> tuple[int, ...]:
        """Return the seed of every take: those listed, or `first` and those that follow it."""
        return self.seeds or following(first, self.takes)


_USUAL = frozenset({"video_uri", "start_time", "duration", "prompt", "mode", "seed", "options"})
_SEVERAL = frozenset({"sections", "takes", "seeds", "pick"})
_FORM = frozenset({"audio_track", "container", "video_codec", "audio_codec", "output_put_url"})
_KNOWN = _USUAL | _FORM | _SEVERAL


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
        f"unknown parameter {str(key)[:80]!r} was ignored" for key in payload if key not in _KNOWN
    )
    sections, unknown = check_sections(payload, limits.min_section)
    takes, seeds = check_takes(payload, sections)
    start, duration = check_start(payload), check_duration(payload, limits.min_section)
    request = RetakeRequest(
        video_uri=check_uri(payload),
        start_time=sections[0].start_time if sections else start,
        duration=sections[0].duration if sections else duration,
        prompt=check_prompt(payload),
        mode=check_mode(payload),
        seed=seeds[0] if seeds else check_seed(payload),
        options=check_options(payload),
        audio_track=check_audio_track(payload),
        conversion=check_conversion(payload),
        sections=sections,
        takes=takes,
        seeds=seeds,
        pick=check_pick(payload),
    )
    return request, (*warnings, *unknown)
