"""Splicing without a container around it: packets in, packets out, both decoded strictly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av

from retake.core.request import Limits
from retake.core.section import Section
from retake.core.source import VideoStream
from retake.core.watch import Watch
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.pictures.encode import Encoded
from retake.media.pictures.splice import splice
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.probe import probe
from retake.media.take import read_take
from tests.media.compare import Picture, picture_of, psnr
from tests.media.takes import FIRST_NUMBER, make_take, section_of


@dataclass(frozen=True)
class Loose:
    """A splice and both streams of packets."""

    section: Section
    spliced: Spliced
    before: list[bytes]
    after: list[bytes]
    theirs: list[Picture]
    ours: list[Picture]

    @property
    def outside(self) -> list[int]:
        """Numbers of the frames that are not the section's."""
        return [n for n in range(len(self.theirs)) if n not in self.section.frames]

    def assert_right(self, *, least_db: float = 99) -> None:
        """Check that every frame is where it belongs and as near to the source as told."""
        assert [p.pts for p in self.ours] == [p.pts for p in self.theirs]
        assert len(self.after) == len(self.before)
        first, last = self.spliced.touched or (0, 0)
        assert self.after[:first] == self.before[:first]
        assert self.after[last:] == self.before[last:]
        frames = self.section.frames
        wanted = [FIRST_NUMBER - (n - frames.start) for n in range(frames.start, frames.end)]
        assert [self.ours[n].number for n in range(frames.start, frames.end)] == wanted
        changed = [n for n in self.outside if self.ours[n].digest != self.theirs[n].digest]
        pads = {p.pts for p in self.theirs if p.pts in set(self.spliced.plan.region)}
        assert all(self.theirs[n].pts in pads for n in changed)
        assert not (self.spliced.exact_pads and changed)
        near = [psnr(self.ours[n].luma, self.theirs[n].luma) for n in changed]
        assert min(near, default=99) >= least_db


def splice_loose(src: Path, folder: Path, first: int, last: int, **changes: Any) -> Loose:
    """Splice a take into the frames [first, last) of `src`; `last` counts from the end if < 1.

    Args:
        src: The source.
        folder: For take and spool.
        first, last: The section.
        changes: What the probe is made to say of the stream instead.
    """
    source = probe(src, Limits())
    video: VideoStream = replace(source.video, **changes)
    source = replace(source, video=video)
    section = section_of(source, first, last if last > 0 else len(video.pts) + last)
    take = make_take(folder, source, section)
    assert take.video is not None
    pictures = take.video
    with (folder / "spool").open("w+b") as spool:
        task = Task(src, video, section.frames, lambda: read_take(pictures), spool, Watch())
        done = splice(task)
        with open_source(src) as container:
            before = [(p.pts, bytes(p)) for p in packets_of(container, video.index)]
            template = container.streams[video.index].codec_context
            codec, extradata = template.codec.name, done.config or template.extradata
        after: list[tuple[int, bytes]] = []
        for what in done.order:
            if isinstance(what, Encoded):
                spool.seek(what.start)
                after.append((what.pts, spool.read(what.size)))
            else:
                after.append(before[what])
    return Loose(
        section,
        done,
        [data for _, data in before],
        [data for _, data in after],
        _decoded(codec, extradata, before),
        _decoded(codec, extradata, after),
    )


def _decoded(
    codec: str, extradata: bytes | None, packets: Sequence[tuple[int, bytes]]
) -> list[Picture]:
    decoder: Any = av.CodecContext.create(codec, "r")
    decoder.options = {"err_detect": "explode"}
    if extradata:
        decoder.extradata = extradata
    frames: list[Any] = []
    for pts, data in packets:
        packet = av.Packet(data)
        packet.pts = pts
        frames += [picture_of(frame) for frame in decoder.decode(packet)]
    return frames + [picture_of(frame) for frame in decoder.decode(None)]
