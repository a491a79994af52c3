"""The pictures of an MP4 or MOV: new packets in the slots of old ones, all times kept.

Packet k keeps the decoding time of slot k, so the tables of decoding times, edit lists and
variable frame rates stay as they are; only the order in which pictures are shown after decoding
changes inside the encoded run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av

from retake.core.source import VideoStream
from retake.core.timing import FrameRange
from retake.core.watch import Stage, Watch
from retake.media.bitstream.nal import H264_PPS, H264_SPS, AvcConfig
from retake.media.bitstream.slices import StreamLook
from retake.media.mp4.boxes import Box
from retake.media.mp4.edits import Piece, Slots
from retake.media.mp4.entry import config_of, with_codec_of, with_config
from retake.media.mp4.tables import Track
from retake.media.packets import PacketInfo, index_packets
from retake.media.pictures.encode import Encoded, Encoder
from retake.media.pictures.pads import region_frames
from retake.media.pictures.recipe import Recipe, quality, spliced, whole
from retake.media.pictures.spans import Plan, plan_full, plan_smart
from retake.media.unspliceable import Unspliceable

Take = Callable[[], Iterator[av.VideoFrame]]
"""Starts reading the section's pictures, in display order."""

_H264_ENTRIES = frozenset({b"avc1", b"avc3"})


@dataclass(frozen=True, slots=True)
class Task:
    """What both ways of exchanging pictures work on.

    Attributes:
        src: The source file.
        video: Its stream of pictures.
        track: The same stream's tables.
        section: The frames that the take replaces.
        take: The take.
        spool: Where new samples go.
        watch: Progress and cancelling.
    """

    src: Path
    video: VideoStream
    track: Track
    section: FrameRange
    take: Take
    spool: BinaryIO
    watch: Watch

    @property
    def section_pts(self) -> tuple[int, ...]:
        """Presentation times of the section's frames."""
        return self.video.pts[self.section.start : self.section.end]

    @property
    def muxer(self) -> str:
        """FFmpeg's name of the container that new sample entries are written for."""
        return "mov" if self.video.codec == "prores" else "mp4"


def splice(task: Task) -> tuple[Slots, Plan]:
    """Encode the section and what leans on it; keep every other packet. H.264 only.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    if task.video.codec != "h264":
        raise Unspliceable(f"{task.video.codec} pictures cannot be spliced yet")
    if task.video.interlaced:
        raise Unspliceable("its pictures are interlaced")
    kind, _ = task.track.entry()
    if kind not in _H264_ENTRIES:
        raise Unspliceable("its sample description is an unusual one")
    config = AvcConfig.parse(config_of(task.track, b"avcC"))
    look = StreamLook(config)
    packets = index_packets(task.src, task.video.index, look.is_clean)
    if not all(sps.frames_only for sps in look.sps.values()):
        raise Unspliceable("it may hold fields")
    # The first set is the oldest one: a file that was spliced before has the others behind it.
    sps = next(iter(look.sps.values()))
    free = next((n for n in range(31, -1, -1) if n not in look.used), None)
    if free is None:
        raise Unspliceable("it has no parameter set id left")
    recipe = spliced(
        task.video,
        sps,
        crf=quality(look.quantisers),
        new_id=free,
        reorder=reorder_depth(packets),
        intra=all(packet.clean for packet in packets),
    )
    plan = plan_smart(packets, task.section_pts)
    samples, description = _encode(task, packets, plan, recipe, config.length_size)
    new = AvcConfig.parse(config_of(description, b"avcC"))
    if any(nal[0] & 31 != kind for kind, nals in _sets(new) for nal in nals):
        raise Unspliceable("the encoder's parameter sets are not understood")
    merged = with_config(task.track, b"avcC", config.merged(new.sps, new.pps).build())
    return _slots(task, packets, plan, samples, merged), plan


def reencode(task: Task) -> tuple[Slots, Plan, Recipe]:
    """Encode every picture anew, each in the slot and at the times that it had.

    Raises:
        Unspliceable: A picture cannot be decoded, or the tables are not understood.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    kind, _ = task.track.entry()
    look = None
    if task.video.codec == "h264" and kind in _H264_ENTRIES:
        look = StreamLook(AvcConfig.parse(config_of(task.track, b"avcC")))
    packets = index_packets(task.src, task.video.index, look and look.is_clean)
    plan = plan_full(packets, task.section_pts)
    recipe = whole(
        task.video,
        crf=quality(look.quantisers if look else ()),
        reorder=reorder_depth(packets),
        tag=kind.decode("latin-1"),
    )
    samples, description = _encode(task, packets, plan, recipe, 4)
    described = with_codec_of(task.track, description)
    return _slots(task, packets, plan, samples, described), plan, recipe


def reorder_depth(packets: Sequence[PacketInfo]) -> int:
    """Return by how many pictures decoding order precedes display order at most."""
    shown = {pts: rank for rank, pts in enumerate(sorted(packet.pts for packet in packets))}
    return max(at - shown[packet.pts] for at, packet in enumerate(packets))


def _sets(config: AvcConfig) -> tuple[tuple[int, tuple[bytes, ...]], ...]:
    return (H264_SPS, config.sps), (H264_PPS, config.pps)


def _encode(
    task: Task, packets: Sequence[PacketInfo], plan: Plan, recipe: Recipe, length_size: int
) -> tuple[list[Encoded], Track]:
    """Encode the plan's region so that every packet fits the decoding time of its slot."""
    slots = packets[plan.cut : plan.resume]
    for attempt in (recipe, replace(recipe, b_frames=0)):
        samples, description = _encode_once(task, plan, attempt, length_size)
        if len(samples) != len(slots):
            raise Unspliceable("the encoder did not return one packet for every picture")
        # Without B-frames this always holds: both are then in ascending order.
        if all(new.pts >= slot.dts for new, slot in zip(samples, slots, strict=True)):
            return samples, description
    raise Unspliceable("its decoding times leave no room for new packets")


def _encode_once(
    task: Task, plan: Plan, recipe: Recipe, length_size: int
) -> tuple[list[Encoded], Track]:
    encoder = Encoder(recipe, task.video, task.muxer, task.spool, length_size)
    total = len(plan.region)
    task.watch.progress(Stage.RENDER, 0, total)
    try:
        for pts, picture in region_frames(task.src, task.video, plan, task.take()):
            frame = picture
            if frame.format.name != recipe.pix_fmt:
                frame = picture.reformat(format=recipe.pix_fmt)
            for _ in encoder.push(frame, pts):
                task.watch.progress(Stage.RENDER, len(encoder.samples), total)
            task.watch.check()
        for _ in encoder.finish():
            task.watch.progress(Stage.RENDER, len(encoder.samples), total)
        return encoder.samples, encoder.description()
    finally:
        encoder.close()


def _slots(
    task: Task, packets: Sequence[PacketInfo], plan: Plan, samples: Sequence[Encoded], stsd: Box
) -> Slots:
    """Return the track's slots with the new samples in them."""
    track = task.track
    slot_of = slots_of(track, packets)
    shown_at = {packet.pts: slot_of[n] for n, packet in enumerate(packets)}
    order: list[int | Piece] = list(range(track.count))
    composition, sync = track.composition_times.copy(), track.sync.copy()
    for new, slot in zip(samples, slot_of[plan.cut : plan.resume], strict=True):
        order[slot] = Piece(task.spool, new.start, new.size)
        composition[slot] = track.composition_times[shown_at[new.pts]]
        # Players start at the last keyframe before an edit list's first picture: a new one there
        # would change which hidden packets they read.
        sync[slot] = new.key and (new.pts > task.video.pts[0] or bool(track.sync[slot]))
    return Slots(order, composition, sync, stsd)


def slots_of(track: Track, packets: Sequence[PacketInfo]) -> list[int]:
    """Return the sample that each packet is, found by its place in the file.

    Raises:
        Unspliceable: A packet is none of the samples, or they come in another order.
    """
    at = {int(offset): number for number, offset in enumerate(track.offsets)}
    slots = [at.get(packet.pos, -1) for packet in packets]
    ascending = all(a < b for a, b in pairwise(slots))
    if not slots or min(slots) < 0 or not ascending:
        raise Unspliceable("its edit list shows parts of it more than once")
    return slots
