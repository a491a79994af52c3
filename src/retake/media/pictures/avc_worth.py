"""Whether joining H.264 seamlessly is worth its bytes: against encoding up to the next keyframe."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from av.video.format import VideoFormat

from retake.media.bitstream.slices import StreamLook
from retake.media.packets import PacketInfo
from retake.media.pictures.avc_join import Join, plan_join
from retake.media.pictures.avc_places import Kind
from retake.media.pictures.recipe import DEFAULT_CRF
from retake.media.pictures.recipes.avc import FAITHFUL_QP
from retake.media.pictures.spans import Plan
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable

_PROFILES = frozenset({66, 77, 100, 110, 122, 244})
_INTRA_SHARE = 0.35
"""Bytes of a nearly exact picture that stands alone, as a share of its raw samples."""

_SAVED_FRAMES = 18
_AFFORDABLE_BYTES = 16 << 20
_TIMES_DEARER = 2
"""What exact frames may cost against nearly exact ones, where there are few."""


def worthwhile_join(
    task: Task, packets: Sequence[PacketInfo], look: StreamLook, plan: Plan
) -> Join:
    """Return how to join the section to what follows it.

    Args:
        task: The pictures to exchange.
        packets: The stream in decode order.
        look: What its packets tell.
        plan: What happens to them otherwise.

    Raises:
        Unspliceable: That is impossible, or dearer than it is worth; the text says why.
    """
    if task.broken:
        raise Unspliceable("sections with frames of the source between them")
    picture = look.pictures[plan.cut]
    sps = look.sps.get(picture[0].sps_id) if picture else None
    if sps is None or not look.settled or look.length_size < 4:
        raise Unspliceable("its parameter sets change, or its packets have to be short")
    if not sps.plain or not sps.at_origin or not sps.chroma:
        raise Unspliceable("its macroblocks mean something else than the encoder's")
    if sps.profile_idc not in _PROFILES:
        raise Unspliceable("it is of an unusual profile")
    costs = _costs(task)
    join = plan_join(packets, look.pictures, sps, task.section_pts, plan.cut, costs)
    cost = sum(costs[kind] * join.count(kind) for kind in costs)
    pads = set(plan.region) - plan.section
    otherwise = sum(packet.size for packet in packets if packet.pts in pads) * _growth(look)
    saved = len(pads) - join.count(Kind.INTRA)
    few = saved < _SAVED_FRAMES or cost > _AFFORDABLE_BYTES
    if saved <= 0 or (few and cost > _TIMES_DEARER * otherwise):
        raise Unspliceable(f"{saved} exact frames more would take {cost / 1e6:.1f} MB")
    return join


def _costs(task: Task) -> dict[Kind, float]:
    video = task.video
    form = VideoFormat(video.pix_fmt, video.width, video.height)
    samples = sum(part.width * part.height for part in form.components)
    raw = samples * video.bit_depth / 8
    return {Kind.RAW: raw, Kind.INTRA: raw * _INTRA_SHARE}


def _growth(look: StreamLook) -> float:
    """Return how many times bigger frames of the source get when they are encoded again."""
    quantiser = median(look.quantisers or [DEFAULT_CRF])
    # Six steps of the quantiser halve it, and so nearly double the bits.
    return 2 ** (max(quantiser - FAITHFUL_QP, 0) / 6)
