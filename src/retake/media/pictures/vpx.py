"""Splicing VP9 and VP8: a run for the section, a run up to the next key frame, each from its own.

Packets come in the order in which they are shown, so that the copied head ends exactly at the
section. A key frame resets all that a decoder keeps, so that the copied tail needs nothing of what
stands before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from retake.media.bitstream.vp8 import parse_vp8
from retake.media.bitstream.vp9 import (
    Vp9Colour,
    Vp9Frame,
    parse_vp9,
    split_superframe,
    with_colour,
)
from retake.media.opening import open_source
from retake.media.packets import index_packets
from retake.media.pictures.recipes import vpx
from retake.media.pictures.runs import Run, encode_runs, section_runs
from retake.media.pictures.spans import plan_smart
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable


def splice(task: Task) -> Spliced:
    """Encode the section and what leans on it; keep every other packet.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    video = task.video
    vp9 = video.codec == "vp9"
    formats = vpx.VP9_FORMATS if vp9 else vpx.VP8_FORMATS
    if video.pix_fmt not in formats:
        raise Unspliceable(f"there is no encoder for {video.codec} pictures of {video.pix_fmt}")
    if _transparent(task):
        raise Unspliceable("its transparency lies beside its packets")
    look = Vp9Look() if vp9 else Vp8Look()
    packets = index_packets(task.src, video.index, look.is_clean)
    plan = plan_smart(packets, task.section_pts)
    if any(packets[at].pts in plan.region and not look.shown[at] for at in range(plan.count)):
        raise Unspliceable("some of the packets to exchange hold no picture that is shown")
    section = vpx.section(video, crf=vpx.quality(video.codec, look.quantisers))
    pads = vpx.lossless(video) if vp9 else vpx.finest_vp8(video)
    runs = section_runs(plan, Run(section, (), look.checked), Run(pads, (), look.checked))
    samples = [sample for run in encode_runs(task, packets, plan, runs) for sample in run.samples]
    order = (*range(plan.cut), *samples, *range(plan.resume, plan.count))
    return Spliced(packets, plan, order, exact_pads=vp9)


class Vp9Look:
    """Looks at every packet of a VP9 stream once, on its way into the index.

    Attributes:
        shown: Whether each packet shows exactly one picture.
        quantisers: Base quantiser index of the pictures that are shown.
    """

    def __init__(self) -> None:
        self.shown: list[bool] = []
        self.quantisers: list[int] = []
        self._colours: set[Vp9Colour] = set()

    def is_clean(self, data: bytes, *, key: bool) -> bool:
        """Return whether decoding can start at a packet: it begins with a key frame."""
        try:
            frames = [parse_vp9(frame) for frame in split_superframe(data)]
        except Unspliceable:
            # What decoders tolerate is copied as it is; nothing starts there.
            self.shown.append(False)
            return False
        self._note(frames)
        return key and bool(frames) and frames[0].key

    def checked(self, data: bytes) -> bytes:
        """Return an encoder's packet, its colours told as the stream's own key frames do.

        Raises:
            Unspliceable: It is not like the stream's own.
        """
        if len(self._colours) != 1:
            raise Unspliceable("its pictures change their kind on the way")
        if len(split_superframe(data)) != 1:
            raise Unspliceable("the encoder did not return one packet for every picture")
        return with_colour(data, next(iter(self._colours))) if parse_vp9(data).key else data

    def _note(self, frames: Sequence[Vp9Frame]) -> None:
        shown = [frame for frame in frames if frame.shown]
        self.shown.append(len(shown) == 1)
        self.quantisers.extend(each.quantiser for each in shown if each.quantiser is not None)
        self._colours.update(frame.colour for frame in frames if frame.colour is not None)


class Vp8Look:
    """Looks at every packet of a VP8 stream once; see `Vp9Look`."""

    def __init__(self) -> None:
        self.shown: list[bool] = []
        self.quantisers: list[int] = []

    def is_clean(self, data: bytes, *, key: bool) -> bool:
        """Return whether decoding can start at a packet: it is a key frame."""
        try:
            frame = parse_vp8(data)
        except Unspliceable:
            self.shown.append(False)
            return False
        self.shown.append(frame.shown)
        if frame.shown:
            self.quantisers.append(frame.quantiser)
        return key and frame.key

    def checked(self, data: bytes) -> bytes:
        """Return an encoder's packet.

        Raises:
            Unspliceable: It holds no picture that is shown.
        """
        if not parse_vp8(data).shown:
            raise Unspliceable("the encoder did not return one packet for every picture")
        return data


def _transparent(task: Task) -> bool:
    with open_source(task.src) as container:
        return container.streams[task.video.index].metadata.get("alpha_mode") == "1"
