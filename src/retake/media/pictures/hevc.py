"""Splicing HEVC: the section anew, everything else that must be encoded again without loss.

New pictures have parameter sets with ids of their own, in the hvcC record and again at each
keyframe; the source's stand again where its own packets go on. Some decoders read the first, some
only heed the second. Where copying resumes at a picture whose leading pictures lean on what was
there before (CRA), those are encoded with the pads, and it becomes a picture at which a stream may
be broken (BLA, ITU-T H.265, 8.1.3): another type in the header, not one bit of its data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import av

from retake.media.bitstream import hevc as nal_units
from retake.media.bitstream.hevc import HvcConfig, nal_type, with_type
from retake.media.bitstream.hevc_ids import Ids, find_ids, level_of, renumbered
from retake.media.bitstream.hevc_look import HevcLook
from retake.media.bitstream.nal import join_sized, split_annexb, split_sized
from retake.media.opening import open_source
from retake.media.packets import PacketInfo, index_packets, packets_of
from retake.media.pictures.avc import reorder_depth
from retake.media.pictures.encode import Encoded
from retake.media.pictures.recipes import hevc
from retake.media.pictures.runs import EncodedRun, Run, encode_runs, section_runs
from retake.media.pictures.spans import Plan, plan_smart
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable


def splice(task: Task) -> Spliced:
    """Encode the section and, without loss, what leans on it; keep every other packet.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    video = task.video
    if video.pix_fmt not in {each.name for each in av.Codec("libx265", "w").video_formats or ()}:
        raise Unspliceable(f"there is no encoder for HEVC pictures of {video.pix_fmt}")
    config = HvcConfig.parse(task.config())
    look = HevcLook(config)
    packets = index_packets(task.src, video.index, look.is_clean)
    if look.unfit is not None:
        raise Unspliceable(look.unfit)
    plan = plan_smart(packets, task.section_pts, _leading(look))
    sets = _NewSets(look, look.light_at(plan.cut))
    encoded = encode_runs(task, packets, plan, _runs(task, plan, look, packets, sets))
    order = (
        *range(plan.cut),
        *(sample for run in encoded for sample in run.samples),
        *_tail(task, plan, look, packets),
    )
    merged = config.merged(sets.missing_in(config, encoded)).build()
    return Spliced(packets, plan, order, merged, exact_pads=True)


def _leading(look: HevcLook) -> dict[int, bool]:
    return {
        number: kind in nal_units.RASL
        for number, kind in enumerate(look.types)
        if kind in nal_units.LEADING
    }


def _runs(
    task: Task, plan: Plan, look: HevcLook, packets: Sequence[PacketInfo], sets: _NewSets
) -> list[Run]:
    reorder, place = reorder_depth(packets), look.sps.chroma_place
    section = hevc.section(
        task.video,
        quantisers=look.quantisers,
        adaptive=look.adaptive,
        reorder=reorder,
        chroma_place=place,
    )
    pads = hevc.lossless(task.video, reorder=reorder, chroma_place=place)
    return section_runs(plan, Run(section, (), sets.sample), Run(pads, (), sets.sample))


def _tail(
    task: Task, plan: Plan, look: HevcLook, packets: Sequence[PacketInfo]
) -> tuple[int | Encoded, ...]:
    """Return what stands behind the encoded run: the source's packets, the first one changed."""
    if plan.resume == plan.count:
        return ()
    with open_source(task.src) as container:
        stream = packets_of(container, task.video.index)
        data = next(bytes(packet) for at, packet in enumerate(stream) if at == plan.resume)
    nals = list(split_sized(data, look.length_size))
    first = packets[plan.resume]
    if look.types[plan.resume] == nal_units.CRA:
        nals = [_broken(nal) for nal in nals]
    front = [nal for nal in nals[:1] if nal_type(nal) == nal_units.AUD]
    again = [*look.sets_at(plan.resume), *look.light_at(plan.resume)]
    whole = [*front, *(nal for nal in again if nal not in nals), *nals[len(front) :]]
    sample = join_sized(whole, look.length_size)
    start = task.spool.seek(0, os.SEEK_END)
    task.spool.write(sample)
    return (Encoded(first.pts, first.key, start, len(sample)), *plan.tail[1:])


def _broken(nal: bytes) -> bytes:
    return with_type(nal, nal_units.BLA) if nal_type(nal) == nal_units.CRA else nal


@dataclass
class _NewSets:
    """Turns the encoder's packets into samples, under sets that the stream does not have yet.

    Attributes:
        look: The stream that they go into.
        light: SEI units for every keyframe.
        ids: What was given to the encoder's sets so far.
    """

    look: HevcLook
    light: tuple[bytes, ...]
    ids: dict[tuple[bytes, ...], Ids] = field(default_factory=dict[tuple[bytes, ...], Ids])
    _last: Ids | None = None

    def sample(self, packet: bytes) -> bytes:
        """Return an encoder's packet as a sample: sets and light at keyframes, and its slices."""
        nals = list(split_annexb(packet))
        sets = _sets(nals)
        front: list[bytes] = []
        if sets:
            self._last = self._ids(sets)
            front = [*self._named(sets), *self.light]
        if self._last is None:
            raise Unspliceable("the encoder's parameter sets are not understood")
        slices = [nal for nal in nals if nal_type(nal) in nal_units.SLICES]
        named = [renumbered(nal, self._last) for nal in slices]
        return join_sized([*front, *named], self.look.length_size)

    def missing_in(self, config: HvcConfig, runs: Sequence[EncodedRun]) -> list[bytes]:
        """Return the sets that the runs use and a configuration does not hold."""
        held = config.nals(*nal_units.SETS)
        used = (nal for run in runs for nal in self._named(_sets(split_annexb(run.extradata))))
        return [nal for nal in dict.fromkeys(used) if nal not in held]

    def _ids(self, sets: tuple[bytes, ...]) -> Ids:
        if sets not in self.ids:
            known = [*self.look.sets, *(nal for new in self.ids for nal in self._named(new))]
            self.ids[sets] = find_ids(known, sets, self._level)
        return self.ids[sets]

    def _named(self, sets: tuple[bytes, ...]) -> list[bytes]:
        ids = self._ids(sets)
        return [renumbered(nal, ids, self._level) for nal in sets]

    @property
    def _level(self) -> bytes:
        # Without loss x265 announces no level at all, which devices might refuse.
        ours = (nal for nal in self.look.sets if nal_type(nal) == nal_units.SPS)
        return level_of(next(ours))


def _sets(nals: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(nal for nal in nals if nal_type(nal) in nal_units.SETS)
