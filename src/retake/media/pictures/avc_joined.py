"""Joining H.264 seamlessly: the section and exact raw pictures under the source's own sequence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from retake.core.watch import Stage
from retake.media.bitstream.nal import AvcConfig, join_sized
from retake.media.bitstream.placing import Mover
from retake.media.bitstream.raw import raw_picture, raw_pps
from retake.media.bitstream.slices import StreamLook
from retake.media.packets import PacketInfo
from retake.media.pictures.avc_join import Join
from retake.media.pictures.avc_places import Kind, New
from retake.media.pictures.encode import Encoded, Encoder
from retake.media.pictures.pads import region_frames
from retake.media.pictures.recipe import Recipe, section_quantiser
from retake.media.pictures.recipes.avc import joined
from retake.media.pictures.runs import shaped
from retake.media.pictures.spans import Plan, Span
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.proof.planes import planes_of
from retake.media.unspliceable import Unspliceable

_BLOCK = 16


def splice_joined(
    task: Task, packets: tuple[PacketInfo, ...], look: StreamLook, config: AvcConfig, join: Join
) -> Spliced:
    """Encode what a join asks for, and put it in its places.

    Raises:
        Unspliceable: The encoder made something else than was planned, or a picture of the source
            cannot be decoded.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    work = _Work(task, look, config, join)
    plan = _plan(packets, join, task.section_pts)
    work.encode(plan)
    order: list[int | Encoded] = list(range(join.cut))
    for what in join.order:
        if isinstance(what, New):
            if what.pts < packets[len(order)].dts:
                raise Unspliceable("its decoding times leave no room for new packets")
            order.append(work.made[what.pts])
        else:
            order.append(what)
    order += range(len(order), len(packets))
    exact = {new.pts for new in join.order if isinstance(new, New) and new.kind is Kind.RAW}
    again = replace(plan, region=tuple(pts for pts in plan.region if pts not in exact))
    return Spliced(packets, again, tuple(order), config.merged([], work.pps).build())


def _plan(packets: Sequence[PacketInfo], join: Join, section: Sequence[int]) -> Plan:
    """Return which frames are needed and where they come from."""
    region = tuple(sorted(new.pts for new in join.order if isinstance(new, New)))
    before = tuple(pts for pts in region if pts < section[0])
    behind = tuple(pts for pts in region if pts > section[-1])
    return Plan(
        count=len(packets),
        cut=join.cut,
        resume=join.cut + len(join.order),
        region=region,
        section=frozenset(section),
        pads=tuple(_span(packets, wanted) for wanted in (before, behind) if wanted),
    )


def _span(packets: Sequence[PacketInfo], wanted: tuple[int, ...]) -> Span:
    times = set(wanted)
    first = max(n for n, packet in enumerate(packets) if packet.clean and packet.pts <= wanted[0])
    last = max(n for n, packet in enumerate(packets) if packet.pts in times)
    return Span(first, last + 1, wanted)


@dataclass(frozen=True, slots=True)
class _Run:
    """An encoder, how it encodes, and the id that its picture parameter set gets."""

    encoder: Encoder
    recipe: Recipe
    pps_id: int


class _Work:
    """The pictures of one join, from frames to packets.

    Attributes:
        pps: The picture parameter sets that they need.
        made: The packets, by presentation time.
    """

    def __init__(self, task: Task, look: StreamLook, config: AvcConfig, join: Join) -> None:
        self._task, self._length_size = task, config.length_size
        self._sps = next(iter(look.sps.values()))
        self._quantiser = section_quantiser(look.quantisers)
        self._free = [number for number in range(256) if number not in look.used]
        self._new = {new.pts: new for new in join.order if isinstance(new, New)}
        self._runs = {run[0][0]: run for run in join.runs}
        self._referred = dict(chain.from_iterable(join.runs))
        self._open: dict[Kind, _Run] = {}
        self._raw_id: int | None = None
        self.pps: list[bytes] = []
        self.made: dict[int, Encoded] = {}

    def encode(self, plan: Plan) -> None:
        """Make all packets."""
        task, total = self._task, len(plan.region)
        coded = self._sps.size[0] * _BLOCK, self._sps.size[1] * _BLOCK
        frames = region_frames(task.src, task.video, plan, task.take(), coded)
        task.watch.progress(Stage.RENDER, 0, total)
        try:
            for number, (pts, frame) in enumerate(frames, start=1):
                self._add(pts, frame)
                task.watch.progress(Stage.RENDER, number, total)
                task.watch.check()
            for kind in tuple(self._open):
                self._finish(kind)
        finally:
            for run in self._open.values():
                run.encoder.close()

    def _add(self, pts: int, frame: av.VideoFrame) -> None:
        match self._new[pts].kind:
            case Kind.RAW:
                self._write_raw(pts, frame)
            case Kind.INTRA:
                if Kind.INTRA not in self._open:
                    self._start(Kind.INTRA, None, 0, 1)
                self._push(Kind.INTRA, pts, _cropped(frame, self._task), PictureType.I)
            case Kind.SECTION:
                if pts in self._runs:
                    self._finish(Kind.SECTION)
                    run = self._runs[pts]
                    self._start(Kind.SECTION, self._quantiser, _longest(run), len(run))
                    kind = PictureType.I
                else:
                    kind = PictureType.P if self._referred[pts] else PictureType.B
                self._push(Kind.SECTION, pts, frame, kind)

    def _start(self, kind: Kind, quantiser: int | None, b_frames: int, count: int) -> None:
        video = self._task.video
        recipe = joined(video, self._sps, quantiser=quantiser, b_frames=b_frames, count=count)
        encoder = Encoder(recipe, video, self._task.spool)
        self._open[kind] = _Run(encoder, recipe, self._new_id())

    def _push(self, kind: Kind, pts: int, frame: av.VideoFrame, picture: PictureType) -> None:
        run = self._open[kind]
        for _ in run.encoder.push(shaped(frame, run.recipe), pts, int(picture)):
            continue

    def _finish(self, kind: Kind) -> None:
        """Close an encoder, and give its packets their places."""
        run = self._open.pop(kind, None)
        if run is None:
            return
        try:
            for _ in run.encoder.finish():
                continue
            mover = Mover(run.encoder.extradata, self._sps, run.pps_id)
        finally:
            run.encoder.close()
        self.pps.append(mover.pps)
        for sample in run.encoder.samples:
            self._task.spool.seek(sample.start)
            packet = self._task.spool.read(sample.size)
            self._store(sample.pts, mover.moved(packet, self._new[sample.pts].place))
        if kind is Kind.SECTION:
            self._check_order([sample.pts for sample in run.encoder.samples])

    def _check_order(self, decoded: list[int]) -> None:
        planned = [pts for pts in self._new if pts in set(decoded)]
        if decoded != planned:
            raise Unspliceable("the encoder did not arrange its pictures as it was told")

    def _write_raw(self, pts: int, frame: av.VideoFrame) -> None:
        if self._raw_id is None:
            self._raw_id = self._new_id()
            self.pps.append(raw_pps(self._raw_id, self._sps.id))
        depth, place = self._task.video.bit_depth, self._new[pts].place
        nal = raw_picture(planes_of(frame), depth, self._sps, self._raw_id, place)
        self._store(pts, [nal])

    def _new_id(self) -> int:
        if not self._free:
            raise Unspliceable("it has no parameter set id left")
        return self._free.pop()

    def _store(self, pts: int, nals: list[bytes]) -> None:
        data = join_sized(nals, self._length_size)
        start = self._task.spool.seek(0, os.SEEK_END)
        self._task.spool.write(data)
        key = self._new[pts].place.idr_pic_id is not None
        self.made[pts] = Encoded(pts, key, start, len(data))


def _longest(run: Sequence[tuple[int, bool]]) -> int:
    """Return how many pictures in a row no other refers to, at most."""
    return max(map(len, "".join("x" if kept else " " for _, kept in run).split("x")))


def _cropped(frame: av.VideoFrame, task: Task) -> av.VideoFrame:
    """Return what is shown of a coded picture: its left upper part."""
    width, height = task.video.width, task.video.height
    if (frame.width, frame.height) == (width, height):
        return frame
    part = av.VideoFrame(width, height, frame.format.name)
    planes: Any = part.planes
    for plane, samples in zip(planes, planes_of(frame), strict=True):
        lines = np.zeros((plane.height, plane.line_size), np.uint8)
        bytes_wide = plane.width * samples.itemsize
        lines[:, :bytes_wide] = samples[: plane.height].view(np.uint8)[:, :bytes_wide]
        plane.update(lines.tobytes().ljust(plane.buffer_size, b"\0"))
    return part
