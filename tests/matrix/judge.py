"""What a render did to a file, judged without any of the code that made or verified it.

Everything is read with PyAV alone and held against the row's promise; what is wrong comes back as
lines of text, so that one run of the matrix tells all that it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from retake.core.report import Action
from retake.core.request import Mode
from retake.media.take import read_take
from tests.matrix.judge_form import form, told
from tests.matrix.judge_sound import sound
from tests.matrix.judge_strictly import strictly
from tests.matrix.sources import Promise, Row
from tests.media.compare import Packet, Picture, packets, pictures, psnr
from tests.media.takes import FIRST_NUMBER, Edit

LEAST_PAD_DB = 49
LEAST_REENCODED_DB = 34
LEAST_NEW_DB = 33


@dataclass(frozen=True)
class Judged:
    """One render, the promise that it is held against, and what was replaced."""

    edit: Edit
    row: Row
    mode: Mode


def judge(done: Judged) -> list[str]:
    """Return what is wrong with a render; an empty list when everything is as promised."""
    return [
        *form(done),
        *_video(done),
        *sound(done),
        *_other_streams(done),
        *strictly(done.edit.src, done.edit.out),
    ]


@lru_cache(maxsize=4)
def source_pictures(path: Path) -> list[Picture]:
    """Return every picture of a source; several renders of one are judged in a row."""
    return pictures(path)


def keyframes(path: Path, stream: int) -> list[int]:
    """Return which packets of a stream are keyframes, by their places in decode order."""
    with av.open(path) as container:
        flags = [p.is_keyframe for p in container.demux(container.streams[stream]) if p.size]
    return [at for at, key in enumerate(flags) if key]


def _video(done: Judged) -> Iterator[str]:
    edit, report = done.edit, done.edit.rendered.video
    index = edit.source.video.index
    before, after = packets(edit.src, index), packets(edit.out, _video_index(edit.out))
    if not done.mode.replaces_video:
        yield from _kept("video", before, after)
        if report.action is not Action.COPIED:
            yield f"video: {report.action} though only the sound was replaced"
        return
    yield from told("video", report, done.row.video, done.row.reason)
    if report.action is not Action.REENCODED:
        yield from _spliced(done, before, after)
    yield from _pictures(done, before)


def _kept(name: str, before: list[Packet], after: list[Packet]) -> list[str]:
    if [p.digest for p in before] != [p.digest for p in after]:
        same = sum(a.digest == b.digest for a, b in zip(before, after, strict=False))
        return [f"{name}: {same} of {len(before)} packets are the source's ({len(after)} there)"]
    if [(p.pts, p.dts) for p in before] != [(p.pts, p.dts) for p in after]:
        return [f"{name}: the packets' times differ"]
    return []


def _spliced(done: Judged, before: list[Packet], after: list[Packet]) -> Iterator[str]:
    edit = done.edit
    if len(before) != len(after):
        yield f"video: {len(after)} packets instead of {len(before)}"
        return
    for what, same in (
        ("dts", _decoded_alike(edit.src, before, after)),
        ("pts", sorted(p.pts for p in before) == sorted(p.pts for p in after)),
        ("durations", [p.duration for p in before] == [p.duration for p in after]),
    ):
        if not same:
            yield f"video: the {what} differ"
    first, last = edit.rendered.touched or (0, 0)
    changed = [
        at
        for at, (a, b) in enumerate(zip(before, after, strict=True))
        if (a.digest, a.pts) != (b.digest, b.pts)
    ]
    outside = [at for at in changed if not first <= at < last]
    if outside:
        yield f"video: packets {outside} changed outside the touched {first}..{last}"
    low, high = _bounds(done, before)
    if first < low or last > high:
        yield f"video: touched {first}..{last}, though {low}..{high} would have been enough"


def _decoded_alike(src: Path, before: list[Packet], after: list[Packet]) -> bool:
    if src.suffix not in {".mkv", ".webm"}:
        return [p.dts for p in before] == [p.dts for p in after]
    # Matroska does not keep decoding times: readers make them up, from the times that it keeps.
    told = [(p.dts, p.pts) for p in after if p.dts is not None]
    ascending = all(a < b for (a, _), (b, _) in pairwise(told))
    return ascending and all(dts <= pts for dts, pts in told)


def _bounds(done: Judged, before: list[Packet]) -> tuple[int, int]:
    """Return the packets that a good render may touch at most."""
    frames, pts, slack = done.edit.section.frames, done.edit.source.video.pts, done.row.slack
    start = pts[frames.start]
    low = next(at for at, packet in enumerate(before) if packet.pts >= start) - slack
    if frames.end >= len(pts) or not done.row.resumes:
        return low, len(before)
    end = pts[frames.end]
    keys = keyframes(done.edit.src, done.edit.source.video.index)
    following = next((at for at in keys if before[at].pts >= end), len(before))
    return low, following + slack


def _pictures(done: Judged, packets_before: list[Packet]) -> Iterator[str]:
    edit, frames = done.edit, done.edit.section.frames
    before = source_pictures(edit.src)
    try:
        after = pictures(edit.out, strict=True)
    except av.error.FFmpegError as error:
        yield f"video: does not decode strictly: {error}"
        return
    if len(before) != len(after):
        yield f"video: {len(after)} pictures instead of {len(before)}"
        return
    smart = edit.rendered.video.action is Action.SMART
    if smart and [p.pts for p in before] != [p.pts for p in after]:
        yield "video: pictures are shown at other times"
    first, last = edit.rendered.touched or (0, len(before))
    again = {packet.pts for packet in packets_before[first:last]}
    exact = done.row.video is Promise.EXACT
    promise = {True: 99.0, False: LEAST_PAD_DB}[exact] if smart else LEAST_REENCODED_DB
    wrong: list[tuple[int, float]] = []
    for number, (a, b) in enumerate(zip(before, after, strict=True)):
        if number in frames or a.digest == b.digest:
            continue
        near = psnr(a.luma, b.luma)
        if near < promise or (smart and (exact or a.pts not in again)):
            wrong.append((number, round(near, 1)))
    if wrong:
        least = min(near for _, near in wrong)
        yield f"video: {len(wrong)} pictures outside too far off, least {least} dB: {wrong[:6]}"
    yield from _section(done, after)


def _section(done: Judged, after: list[Picture]) -> Iterator[str]:
    frames = done.edit.section.frames
    shown = [after[n].number for n in range(frames.start, frames.end)]
    wanted = [FIRST_NUMBER - at for at in range(len(frames))]
    if shown != wanted:
        yield f"video: the section shows {shown[:5]}…, not {wanted[:5]}…"
    take = done.edit.out.with_name("take.mkv")
    near = [
        psnr(luma, after[number].luma)
        for number, luma in zip(range(frames.start, frames.end), _lumas(take), strict=True)
        if luma.shape == after[number].luma.shape
    ]
    if near and min(near) < LEAST_NEW_DB:
        yield f"video: new pictures are {min(near):.1f} dB from the take's"


def _lumas(take: Path) -> Iterator[NDArray[Any]]:
    for frame in read_take(take):
        plane, bits = frame.planes[0], frame.format.components[0].bits
        rows = np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16)
        yield rows.reshape(plane.height, -1)[:, : plane.width] / 2.0 ** (bits - 8)


def _other_streams(done: Judged) -> Iterator[str]:
    """Every stream that nobody asked to change: further sounds, subtitles, data."""
    edit = done.edit
    ours = {edit.source.video.index, *(audio.index for audio in edit.source.audio[:1])}
    with av.open(edit.src) as container:
        others = [stream.index for stream in container.streams if stream.index not in ours]
        kinds = {stream.index: stream.type for stream in container.streams}
    with av.open(edit.out) as container:
        there = len(container.streams)
    for index in others:
        if index >= there:
            yield f"stream {index} ({kinds[index]}) is lost"
            continue
        name = f"stream {index} ({kinds[index]})"
        yield from _kept(name, packets(edit.src, index), packets(edit.out, index))


def _video_index(path: Path) -> int:
    with av.open(path) as container:
        return container.streams.video[0].index
