"""Splicing H.264: one closed run of new pictures under parameter sets with an id of their own.

The sets of both encoders stand in one avcC record (ISO/IEC 14496-15, 5.3.3.1), which FFmpeg,
Chromium, Firefox and GStreamer read; new sets within the stream, or a second sample description,
are not understood by all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from retake.media.bitstream.nal import H264_PPS, H264_SPS, AvcConfig, only_slices, split_annexb
from retake.media.bitstream.slices import StreamLook
from retake.media.packets import PacketInfo, index_packets
from retake.media.pictures.avc_joined import splice_joined
from retake.media.pictures.avc_worth import worthwhile_join
from retake.media.pictures.recipe import Recipe, section_quantiser
from retake.media.pictures.recipes.avc import spliced
from retake.media.pictures.runs import Run, encode_runs, section_runs
from retake.media.pictures.spans import Plan, plan_smart
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable

_log = logging.getLogger(__name__)


def splice(task: Task) -> Spliced:
    """Encode the section and what leans on it; keep every other packet.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    config = AvcConfig.parse(task.config())
    look = StreamLook(config)
    packets = index_packets(task.src, task.video.index, look.is_clean)
    plan = plan_smart(packets, task.section_pts)
    if not all(sps.frames_only for sps in look.sps.values()):
        raise Unspliceable("it may hold fields")
    try:
        join = worthwhile_join(task, packets, look, plan)
        return splice_joined(task, packets, look, config, join)
    except Unspliceable as why:
        _log.info("H.264 is not joined, but spliced up to the next keyframe: %s", why)
    runs = _runs(task, plan, look, packets)
    encoded = encode_runs(task, packets, plan, runs)
    order = (
        *range(plan.cut),
        *(sample for run in encoded for sample in run.samples),
        *range(plan.resume, plan.count),
    )
    new = dict.fromkeys(nal for run in encoded for nal in split_annexb(run.extradata))
    return Spliced(packets, plan, order, _merged(config, new).build())


def reorder_depth(packets: Sequence[PacketInfo]) -> int:
    """Return by how many pictures decoding order precedes display order at most."""
    shown = {pts: rank for rank, pts in enumerate(sorted(packet.pts for packet in packets))}
    return max(at - shown[packet.pts] for at, packet in enumerate(packets))


def _runs(task: Task, plan: Plan, look: StreamLook, packets: Sequence[PacketInfo]) -> list[Run]:
    """Return how the region is encoded: its sections, and the pads around them."""
    # The first set is the oldest one: a file that was spliced before has the others behind it.
    sps = next(iter(look.sps.values()))
    free = [number for number in range(31, -1, -1) if number not in look.used]
    if len(free) < 2:
        raise Unspliceable("it has no parameter set id left")
    reorder, intra = reorder_depth(packets), all(packet.clean for packet in packets)

    def recipe(number: int, quantiser: int | None) -> Recipe:
        return spliced(
            task.video, sps, quantiser=quantiser, new_id=number, reorder=reorder, intra=intra
        )

    # Neighbouring runs have ids of their own, because each starts with an IDR picture of the
    # same number, and a run may be one picture long.
    section = recipe(free[0], section_quantiser(look.quantisers))
    pads = recipe(free[-1], None)
    wrap = only_slices("h264", look.length_size)
    return section_runs(plan, Run(section, (), wrap), Run(pads, (), wrap))


def _merged(config: AvcConfig, new: Iterable[bytes]) -> AvcConfig:
    sets: dict[int, list[bytes]] = {H264_SPS: [], H264_PPS: []}
    for nal in new:
        if nal[0] & 31 in sets:
            sets[nal[0] & 31].append(nal)
    if not all(sets.values()):
        raise Unspliceable("the encoder's parameter sets are not understood")
    return config.merged(sets[H264_SPS], sets[H264_PPS])
