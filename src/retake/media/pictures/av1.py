"""Splicing AV1: a run for the section, a run up to the next key frame, each from its own.

Packets come in the order in which they are shown, so that the copied head ends exactly at the
section. Every key frame brings the sequence header that what follows it is coded by: the source's
own ones bring the source's, the new runs their encoder's. The container's av1C record stays the
source's; the new headers say the same in everything that the record says.
"""

from __future__ import annotations

from dataclasses import replace

from retake.media.bitstream.av1 import Av1Frame, frames_of
from retake.media.bitstream.obu import (
    Obu,
    Sequence,
    config_obus,
    only_coded,
    sequence_of,
    split_obus,
)
from retake.media.packets import index_packets
from retake.media.pictures.recipes import av1
from retake.media.pictures.runs import Run, encode_runs, section_runs
from retake.media.pictures.spans import Plan, plan_smart
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
    if video.pix_fmt not in av1.FORMATS:
        raise Unspliceable(f"there is no encoder for AV1 pictures of {video.pix_fmt}")
    look = Av1Look(task.config())
    packets = index_packets(task.src, video.index, look.is_clean)
    plan = plan_smart(packets, task.section_pts)
    if not all(look.shown[plan.cut : plan.resume]):
        raise Unspliceable("some of the packets to exchange hold no picture that is shown")
    runs, exact = _runs(task, look, plan)
    samples = [sample for run in encode_runs(task, packets, plan, runs) for sample in run.samples]
    order = (*range(plan.cut), *samples, *range(plan.resume, plan.count))
    return Spliced(packets, plan, order, exact_pads=exact)


def _runs(task: Task, look: Av1Look, plan: Plan) -> tuple[list[Run], bool]:
    video, own = task.video, look.sequence
    if own is None:
        raise Unspliceable("its key frames carry no sequence header")
    if own.layers > 1:
        raise Unspliceable("its pictures come in layers")
    crf = av1.quality(look.quantisers)
    section = av1.section(video, crf=crf, level=own.level)
    new = len(plan.section)
    exact = av1.affords_lossless(video, len(plan.region) - new, new)
    around = av1.lossless if exact else av1.fine
    pads = around(video, level=own.level)
    return section_runs(plan, Run(section, (), look.checked), Run(pads, (), look.checked)), exact


class Av1Look:
    """Looks at every packet of an AV1 stream once, on its way into the index.

    Args:
        config: The stream's av1C record; empty where there is none.

    Attributes:
        sequence: What the latest sequence header says.
        shown: Whether each packet shows exactly one picture.
        quantisers: Base quantiser index of the pictures that are shown.

    Raises:
        Unspliceable: The record is damaged.
    """

    def __init__(self, config: bytes) -> None:
        told = split_obus(config_obus(config)) if config else ()
        self._config = self.sequence = sequence_of(told)
        self.shown: list[bool] = []
        self.quantisers: list[int] = []

    def is_clean(self, data: bytes, *, key: bool) -> bool:
        """Return whether decoding can start at a packet.

        It does with a sequence header and a key frame that is shown at once. A key frame that is
        shown later than it is decoded does not count: others in between may lean on older ones.
        """
        try:
            obus = list(split_obus(data))
            frames, headed = self._frames(obus)
        except Unspliceable:
            # What decoders tolerate is copied as it is; nothing starts there.
            self.shown.append(False)
            return False
        shown = [frame for frame in frames if frame.shown]
        self.shown.append(len(shown) == 1)
        self.quantisers.extend(each.quantiser for each in shown if each.quantiser is not None)
        return key and headed and bool(frames) and frames[0].key and frames[0].shown

    def checked(self, data: bytes) -> bytes:
        """Return an encoder's packet as containers hold it.

        Raises:
            Unspliceable: It is not like the stream's own.
        """
        obus = list(split_obus(data))
        header = sequence_of(obus)
        if header is not None and not _alike(header, self.sequence):
            raise Unspliceable("the encoder's sequence header is not like its own")
        return only_coded(data)

    def _frames(self, obus: list[Obu]) -> tuple[list[Av1Frame], bool]:
        header = sequence_of(obus)
        if header is not None:
            self.sequence = header
        if self.sequence is None:
            raise Unspliceable("its key frames carry no sequence header")
        return frames_of(obus, self.sequence), header is not None


def _alike(new: Sequence, own: Sequence | None) -> bool:
    """Return whether a decoder set up for one sequence header is ready for another."""
    if own is None:
        return False
    roomy = new.level <= own.level and new.tier <= own.tier
    fits = all(a <= b for a, b in zip(new.size, own.size, strict=True))
    # Where chroma samples lie may be unknown to one of them.
    placed = replace(new.colour, position=own.colour.position)
    return new.profile == own.profile and roomy and fits and placed == own.colour
