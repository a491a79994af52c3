"""Encoding a plan's region: one closed run of frames after the other, each with its recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby

import av

from retake.core.watch import Stage
from retake.media.mp4.tables import Track
from retake.media.packets import PacketInfo
from retake.media.pictures.encode import Encoded, Encoder
from retake.media.pictures.pads import region_frames
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.spans import Plan
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable

Wrap = Callable[[bytes], bytes]
"""Turns an encoder's packet into what stands in the container."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames that are encoded by themselves, from a keyframe of their own on.

    Attributes:
        recipe: How.
        pts: Which, ascending; the runs together are the plan's region, in order.
        wrap: What becomes of every packet.
        muxer: ``mp4`` or ``mov`` for a sample entry in that container.
    """

    recipe: Recipe
    pts: tuple[int, ...]
    wrap: Wrap = bytes
    muxer: str | None = None


@dataclass(frozen=True, slots=True)
class EncodedRun:
    """What came of a run.

    Attributes:
        samples: Its packets, in decode order.
        extradata: The configuration that the encoder gives a decoder, in FFmpeg's form.
        description: A track whose sample entry describes the packets, where a muxer was named.
    """

    samples: tuple[Encoded, ...]
    extradata: bytes
    description: Track | None


def section_runs(plan: Plan, section: Run, pads: Run) -> list[Run]:
    """Return the runs of a plan's region: its sections' frames, and those around each of them.

    Args:
        plan: What is encoded.
        section: How a section's frames are, whatever its `pts`.
        pads: How the others are.
    """
    return [
        replace(section if new else pads, pts=tuple(pts))
        for new, pts in groupby(plan.region, plan.section.__contains__)
    ]


def encode_runs(
    task: Task, packets: Sequence[PacketInfo], plan: Plan, runs: Sequence[Run]
) -> tuple[EncodedRun, ...]:
    """Encode a plan's region so that every packet fits the decoding time of its place.

    Raises:
        Unspliceable: A picture of the source cannot be decoded, or the packets do not fit.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    runs = [run for run in runs if run.pts]
    times = [packet.dts for packet in packets[plan.cut : plan.cut + len(plan.region)]]
    for attempt in (runs, [_without_b_frames(run) for run in runs]):
        done = _encode_once(task, plan, attempt)
        samples = list(chain.from_iterable(run.samples for run in done))
        if len(samples) != len(times):
            raise Unspliceable("the encoder did not return one packet for every picture")
        # Without B-frames this always holds: both are then in ascending order.
        if all(sample.pts >= dts for sample, dts in zip(samples, times, strict=True)):
            return done
    raise Unspliceable("its decoding times leave no room for new packets")


def _without_b_frames(run: Run) -> Run:
    return replace(run, recipe=replace(run.recipe, b_frames=0))


def _encode_once(task: Task, plan: Plan, runs: Sequence[Run]) -> tuple[EncodedRun, ...]:
    frames = region_frames(task.src, task.video, plan, task.take())
    total, before = len(plan.region), 0
    task.watch.progress(Stage.RENDER, 0, total)
    done: list[EncodedRun] = []
    for run in runs:
        encoder = Encoder(run.recipe, task.video, task.spool, run.muxer, run.wrap)
        try:
            for _ in run.pts:
                pts, picture = next(frames)
                for _ in encoder.push(shaped(picture, run.recipe), pts):
                    task.watch.progress(Stage.RENDER, before + len(encoder.samples), total)
                task.watch.check()
            for _ in encoder.finish():
                task.watch.progress(Stage.RENDER, before + len(encoder.samples), total)
            description = encoder.description() if run.muxer else None
            done.append(EncodedRun(tuple(encoder.samples), encoder.extradata, description))
        finally:
            encoder.close()
        before += len(run.pts)
    return tuple(done)


def shaped(picture: av.VideoFrame, recipe: Recipe) -> av.VideoFrame:
    """Return a picture in the pixel format that a recipe's encoder is given."""
    if picture.format.name == recipe.pix_fmt:
        return picture
    return picture.reformat(format=recipe.pix_fmt)
