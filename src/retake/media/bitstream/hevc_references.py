"""HEVC's short-term reference picture sets, as far as they have to be read past.

Syntax: ITU-T H.265 (08/2021), 7.3.7.
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.bitstream.nal import Bits
from retake.media.unspliceable import Unspliceable

_MOST_REFERENCE_SETS = 64


@dataclass(frozen=True, slots=True)
class RefSet:
    """A short-term reference picture set: how many pictures it names, and how many are used."""

    count: int
    used: int


def parse_ref_set(bits: Bits, known: tuple[RefSet, ...], *, in_slice: bool) -> RefSet:
    """Read a short-term reference picture set: the next one of an SPS, or a slice's own.

    Raises:
        Unspliceable: It names more pictures than there can be.
    """
    if known and bits.flag():  # inter_ref_pic_set_prediction_flag
        back = bits.unsigned() + 1 if in_slice else 1
        bits.flag()  # delta_rps_sign
        bits.unsigned()  # abs_delta_rps_minus1
        if back > len(known):
            raise Unspliceable("a header is damaged")
        count = used = 0
        for _ in range(known[-back].count + 1):
            if bits.flag():
                used += 1
                count += 1
            else:
                count += bits.flag()
        return RefSet(count, used)
    negative, positive = bits.unsigned(), bits.unsigned()
    if negative + positive > _MOST_REFERENCE_SETS:
        raise Unspliceable("a header is damaged")
    used = 0
    for _ in range(negative + positive):
        bits.unsigned()
        used += bits.flag()
    return RefSet(negative + positive, used)


def parse_ref_sets(bits: Bits) -> tuple[RefSet, ...]:
    """Read all short-term reference picture sets of an SPS.

    Raises:
        Unspliceable: There are more than there can be.
    """
    count = bits.unsigned()
    if count > _MOST_REFERENCE_SETS:
        raise Unspliceable("a header is damaged")
    sets: tuple[RefSet, ...] = ()
    for _ in range(count):
        sets = (*sets, parse_ref_set(bits, sets, in_slice=False))
    return sets
