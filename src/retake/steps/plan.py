"""Plan: from what was asked and what the source holds, exactly which frames are made anew. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from retake.core.containers import CONTAINERS, ENDINGS, LIKE_ONLY, file_title, like
from retake.core.conversion import Conversion, check_fits
from retake.core.errors import BadRequest
from retake.core.request import Limits, RetakeRequest
from retake.core.section import Section
from retake.core.sections import overlapping, within
from retake.core.source import Source, VideoStream
from retake.core.timing import FrameCount, FrameRange, frames_shown, seconds_text

HANDLE = Fraction(1)
"""Seconds of context on either side of the section."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that is known to fit its source: what all later steps work from.

    `path` is where the source lies, `work` a private folder that outlives a restart, `form` what
    `plan_form` gave.
    """

    path: Path
    source: Source
    section: Section
    request: RetakeRequest
    seed: int
    work: Path
    form: Conversion = field(default_factory=Conversion)


def plan_section(request: RetakeRequest, video: VideoStream, limits: Limits) -> Section:
    """Return the section of `video` that `request` asks for, on frame boundaries.

    A section that runs past the end is cut there, provided that the least allowed length remains.

    Raises:
        BadRequest: The section does not fit the source; `param` names what to change.
    """
    start, duration = _in_seconds(request, video)
    if duration < limits.min_section:
        raise BadRequest(
            "duration_too_short",
            f"duration is {seconds_text(duration)} s; at least "
            f"{seconds_text(limits.min_section)} s is accepted",
            param="duration",
        )
    if start >= video.duration:
        raise BadRequest(
            "start_past_end",
            f"start_time is {seconds_text(start)} s, but the video ends at "
            f"{seconds_text(video.duration)} s",
            param="start_time",
        )
    end = min(start + duration, video.duration)
    _check_remains(start, end, start + duration, limits)
    frames = frames_shown(video.times, start, end)
    # The first frame may be on screen since before `start`: the section opens with it whole.
    section_start, section_end = video.time_of(frames.start), video.time_of(frames.end)
    handles = with_handles(video, section_start, section_end)
    return Section(
        frames=frames,
        handles=handles,
        start=section_start,
        end=section_end,
        context_start=video.time_of(handles.start),
        context_end=video.time_of(handles.end),
        requested_start=start,
        requested_duration=duration,
        clamped=start + duration > video.duration,
    )


def plan_sections(
    request: RetakeRequest, video: VideoStream, limits: Limits
) -> tuple[Section, ...]:
    """Return all sections of `video` that `request` asks for, on frame boundaries, ascending.

    A frame that is on screen in two sections belongs to the earlier one.

    Raises:
        BadRequest: One does not fit the source, or starts before the one in front of it ends;
            `param` names what to change.
    """
    if not request.sections:
        return (plan_section(request, video, limits),)
    planned: list[Section] = []
    for at, part in enumerate(request.sections):
        asked = replace(request, start_time=part.start_time, duration=part.duration)
        try:
            section = plan_section(asked, video, limits)
        except BadRequest as error:
            raise within(at, error) from error
        planned.append(_behind(planned[-1], section, video, at) if planned else section)
    return tuple(planned)


def _behind(before: Section, section: Section, video: VideoStream, at: int) -> Section:
    """Return a section that begins where the one before it ends at the earliest."""
    asked_end = before.requested_start + before.requested_duration
    if section.requested_start < min(asked_end, before.end):
        raise overlapping(at, section.requested_start, asked_end)
    if section.frames.start >= before.frames.end:
        return section
    frames = FrameRange(before.frames.end, section.frames.end)
    start = video.time_of(frames.start)
    handles = with_handles(video, start, section.end)
    return replace(
        section,
        frames=frames,
        start=start,
        handles=handles,
        context_start=video.time_of(handles.start),
    )


def plan_form(wanted: Conversion, source: Source, ending: str) -> Conversion:
    """Return the form of the result; its container is told in any case.

    Args:
        wanted: What the request asks for.
        source: What is in the source.
        ending: That of the source's file name.

    Raises:
        BadRequest: `codec_not_in_container`: the source's container, which nobody asked to change,
            does not hold a codec that was asked for. `unknown_container`: this one is only written
            for sources of its kind.
    """
    container = wanted.container or like(source.file_type)
    # Inside, MP4 and MOV are one: a MOV that is called .mp4 is left what it is under that name.
    if {container, source.file_type} == {"mp4", "mov"} and ENDINGS.get(ending) == container:
        container = source.file_type
    if container in LIKE_ONLY and container != source.file_type:
        accepted = ", ".join(name for name in CONTAINERS if name not in LIKE_ONLY)
        raise BadRequest(
            "unknown_container",
            f"{file_title(container)} is only written for a source that is one; accepted here is "
            f"one of {accepted}",
            param="container",
        )
    check_fits(wanted, container)
    return replace(wanted, container=container)


def _in_seconds(request: RetakeRequest, video: VideoStream) -> tuple[Fraction, Fraction]:
    """Turn counts of frames into seconds by the frames' own times, evenly spaced or not."""
    start, duration = request.start_time, request.duration
    if isinstance(start, FrameCount):
        first = start.frames
        start = video.time_of(first) if first < len(video.pts) else first / video.frame_rate
    if isinstance(duration, FrameCount):
        try:
            first = frames_shown(video.times, start, start + Fraction(1, 10**6)).start
        except ValueError:
            return start, duration.seconds(video.frame_rate)
        last = first + duration.frames
        overrun = max(last - len(video.pts), 0)
        end = video.time_of(min(last, len(video.pts))) + overrun / video.frame_rate
        duration = end - start
    return start, duration


def _check_remains(start: Fraction, end: Fraction, asked_end: Fraction, limits: Limits) -> None:
    if end - start >= limits.min_section:
        return
    raise BadRequest(
        "section_past_end",
        f"the section runs to {seconds_text(asked_end)} s, but the video ends at "
        f"{seconds_text(end)} s: only {seconds_text(end - start)} s would remain of at least "
        f"{seconds_text(limits.min_section)} s; start_time up to "
        f"{seconds_text(max(end - limits.min_section, Fraction(0)))} s is accepted"
        if end >= limits.min_section
        else f"the video lasts {seconds_text(end)} s; a section needs at least "
        f"{seconds_text(limits.min_section)} s",
        param="start_time",
    )


def with_handles(
    video: VideoStream, start: Fraction, end: Fraction, handle: Fraction = HANDLE
) -> FrameRange:
    """Return the frames of [start, end) and of `handle` seconds on either side, where there are."""
    opens = max(start - handle, Fraction(0))
    closes = min(end + handle, video.duration)
    return frames_shown(video.times, opens, closes)
