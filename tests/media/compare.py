"""Source against output, with nothing but PyAV: packets, times, decoded pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.report import Action
from retake.core.request import Mode
from retake.media.proof.verify import verify
from tests.clips import frame_number
from tests.media.takes import FIRST_NUMBER, Edit


def assert_verified(done: Edit, mode: Mode = Mode.AUDIO_AND_VIDEO) -> None:
    """Check that retake's own verification finds nothing wrong."""
    checks = verify(done.src, done.out, done.source, done.section, mode, done.rendered)
    assert [check for check in checks if not check.passed] == []


def assert_spliced_exactly(done: Edit) -> None:
    """Check that pictures were spliced, every other one exact, every other packet kept."""
    report = done.rendered.video
    assert report.action is Action.SMART
    assert report.frames_reencoded == 0
    assert_times_kept(done, 0)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_pictures_right(done)
    assert_verified(done)


@dataclass(frozen=True)
class Packet:
    """A packet as a player sees it."""

    pts: int
    dts: int
    duration: int
    digest: str


@dataclass(frozen=True)
class Picture:
    """A decoded picture: when it is shown, its exact samples, the number that it shows."""

    pts: int
    digest: str
    number: int
    luma: NDArray[Any]


def packets(path: Path, stream: int, *, skip: int = 0) -> list[Packet]:
    """Return a stream's packets in decode order, each without its first `skip` bytes."""
    with av.open(path) as container:
        return [
            Packet(p.pts, p.dts, p.duration, hashlib.sha256(bytes(p)[skip:]).hexdigest())
            for p in container.demux(container.streams[stream])
            if p.size
        ]


def pictures(path: Path, *, strict: bool = False) -> list[Picture]:
    """Return every shown picture; strictly: any irregularity of the stream fails."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        if strict:
            stream.codec_context.options = {"err_detect": "explode"}
        return [picture_of(frame) for frame in container.decode(stream)]


def picture_of(frame: av.VideoFrame) -> Picture:
    digest = hashlib.sha256()
    depth = 2 if frame.format.components[0].bits > 8 else 1
    for number, plane in enumerate(frame.planes):
        # Whole samples only: what lies behind a row's end is whatever memory held.
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
        together = sum(part.plane == number for part in frame.format.components)
        used = plane.width * depth * together
        digest.update(np.ascontiguousarray(rows[:, :used]).tobytes())
    rgb = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8 if depth == 1 else np.uint16)
    luma = luma.reshape(plane.height, -1)[:, : plane.width] / 2.0 ** (
        frame.format.components[0].bits - 8
    )
    return Picture(frame.pts, digest.hexdigest(), frame_number(rgb), luma)


def sound(path: Path) -> NDArray[np.float32]:
    """Return the decoded sound ``[channels, samples]`` as a player hears it."""
    with av.open(path) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(blocks, axis=1)


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the likeness of two 8-bit-scaled planes in dB; 99 when they are equal."""
    error = float(((a.astype(float) - b) ** 2).mean())
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def assert_times_kept(edit: Edit, stream: int) -> None:
    """Check that a stream's packets come and are shown exactly when they were."""
    before, after = packets(edit.src, stream), packets(edit.out, stream)
    assert [p.dts for p in after] == [p.dts for p in before]
    assert [p.duration for p in after] == [p.duration for p in before]
    assert sorted(p.pts for p in after) == sorted(p.pts for p in before)


def assert_packets_kept(edit: Edit, stream: int, touched: tuple[int, int] | None) -> None:
    """Check that every packet outside `touched` is the source's own, bytes and times."""
    before, after = packets(edit.src, stream), packets(edit.out, stream)
    assert len(before) == len(after)
    first, last = touched or (0, 0)
    assert before[:first] == after[:first]
    assert before[last:] == after[last:]
    if touched is None:
        assert before == after


def assert_pictures_right(edit: Edit, *, least_db: float = 40) -> None:
    """Check that the output decodes strictly into the source's pictures and the take's.

    Outside the section every copied picture is exact to the bit, every other one at least as
    near to the source as told.
    """
    before, after = pictures(edit.src), pictures(edit.out, strict=True)
    assert [p.pts for p in after] == [p.pts for p in before]
    frames, report = edit.section.frames, edit.rendered.video
    wanted = [
        FIRST_NUMBER - (n - frames.start) if n in frames else before[n].number
        for n in range(len(before))
    ]
    assert [p.number for p in after] == wanted
    exact = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a.digest == b.digest]
    assert report.frames_generated == len(frames)
    outside = [n for n in exact if n not in frames]
    assert report.frames_exact <= len(outside) <= report.frames_exact + report.frames_reencoded
    assert report.frames_exact + report.frames_reencoded + len(frames) == len(before)
    again = [n for n in range(len(before)) if n not in frames and n not in exact]
    assert min((psnr(before[n].luma, after[n].luma) for n in again), default=99) >= least_db
