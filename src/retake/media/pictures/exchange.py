"""Exchanging pictures in the tables of an MP4 or MOV: new samples in old slots, all times kept.

Slot k keeps its decoding time, so the tables of decoding times, edit lists and variable frame
rates stay as they are; only the order in which pictures are shown after decoding changes inside
the encoded run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from retake.media.bitstream.nal import only_slices
from retake.media.mp4.boxes import Box
from retake.media.mp4.edits import Piece, Slots
from retake.media.mp4.entry import refuse_unknown_metadata, with_codec_of, with_config
from retake.media.mp4.tables import Track
from retake.media.packets import PacketInfo, index_packets
from retake.media.pictures.avc import reorder_depth
from retake.media.pictures.captions import captioned
from retake.media.pictures.encode import Encoded
from retake.media.pictures.fineness import fineness_seen, look_for
from retake.media.pictures.light import light_in, lit
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.recipes.whole import whole
from retake.media.pictures.runs import Run, encode_runs
from retake.media.pictures.several import splice_several
from retake.media.pictures.spans import Plan, plan_full
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable

_CONFIGS = {b"avc1": b"avcC", b"avc3": b"avcC", b"hvc1": b"hvcC", b"hev1": b"hvcC"}
"""The box that holds the decoder configuration, by sample entry."""


def spliced_slots(tasks: Sequence[Task], track: Track) -> tuple[Slots, Spliced]:
    """Splice the pictures of a track; return its slots and what was spliced.

    Args:
        tasks: Its sections; see `several.splice_several`.
        track: Its tables.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    # What cannot be is refused here, before anything is encoded.
    kind, entry = track.entry()
    task = tasks[0]
    if task.video.codec in {"h264", "hevc", "av1"}:
        refuse_unknown_metadata(kind, entry)
    done = splice_several(tasks)
    stsd = None
    if done.config is not None:
        box = _CONFIGS.get(kind)
        if box is None:
            raise Unspliceable("its sample description is an unusual one")
        stsd = with_config(track, box, done.config)
    return _slots(task, track, done.packets, done.order, stsd), done


def reencoded_slots(task: Task, track: Track) -> tuple[Slots, Plan, Recipe]:
    """Encode every picture anew, each in the slot and at the times that it had.

    Raises:
        Unspliceable: A picture cannot be decoded, or the tables are not understood.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    kind, _ = track.entry()
    look = look_for(task.video.codec, task.config())
    packets = index_packets(task.src, task.video.index, look.is_clean if look else None)
    plan = plan_full(packets, task.section_pts)
    recipe = whole(
        task.video,
        crf=fineness_seen(task.video.codec, look),
        reorder=reorder_depth(packets),
        tag=kind.decode("latin-1"),
    )
    recipe = lit(recipe, light_in(task.src, task.video.index))
    # MP4's muxer knows no codecs of single pictures, or describes them in another way.
    muxer = "mov" if recipe.gop == 1 else "mp4"
    run = Run(recipe, plan.region, only_slices(recipe.codec, 4), muxer)
    (encoded,) = encode_runs(task, packets, plan, [run])
    if encoded.description is None:
        raise Unspliceable("the encoder does not describe what it encoded")
    stsd = with_codec_of(track, encoded.description)
    order = captioned(task, encoded.samples, recipe.codec)
    return _slots(task, track, packets, order, stsd), plan, recipe


def _slots(
    task: Task,
    track: Track,
    packets: Sequence[PacketInfo],
    order: Sequence[int | Encoded],
    stsd: Box | None,
) -> Slots:
    """Return the track's slots with packets and new samples in them, in their new order."""
    slot_of = slots_of(track, packets)
    shown_at = {packet.pts: slot for packet, slot in zip(packets, slot_of, strict=True)}
    samples: list[int | Piece] = list(range(track.count))
    composition, sync = track.composition_times.copy(), track.sync.copy()
    for slot, what in zip(slot_of, order, strict=True):
        if isinstance(what, Encoded):
            samples[slot] = Piece(task.spool, what.start, what.size)
            composition[slot] = track.composition_times[shown_at[what.pts]]
            # Players start at the last keyframe before an edit list's first picture: a new one
            # there would change which hidden packets they read.
            sync[slot] = what.key and (what.pts > task.video.pts[0] or bool(track.sync[slot]))
        else:
            moved = slot_of[what]
            samples[slot] = moved
            composition[slot] = track.composition_times[moved]
            sync[slot] = track.sync[moved]
    return Slots(samples, composition, sync, stsd)


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
