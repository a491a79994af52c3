"""Giving x265's parameter sets ids that the stream around them does not use.

x265 numbers its sets 0 and cannot be told otherwise. A picture parameter set's id of 15 to 30 is
exactly 8 bits longer than 0 (ITU-T H.265, 9.2: Exp-Golomb codes), so that a slice's header grows by
one whole byte and nothing behind it has to be moved by bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from retake.media.bitstream import hevc
from retake.media.bitstream.hevc_sets import sps_id
from retake.media.bitstream.nal import Bits, unescape
from retake.media.unspliceable import Unspliceable

_ESCAPED = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_NEVER_ESCAPED = re.compile(rb"[\x04-\xff]")
_VPS_IDS, _SPS_IDS, _PPS_IDS = range(16), range(16), range(15, 31)
_OTHER = "the encoder's parameter sets are not understood"


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of a video, a sequence and a picture parameter set that belong together."""

    vps: int
    sps: int
    pps: int


def set_id(nal: bytes) -> int:
    """Return a parameter set's own id.

    Raises:
        Unspliceable: It ends early.
    """
    match hevc.nal_type(nal):
        case hevc.VPS:
            return Bits(unescape(nal[:8])[2:]).fixed(4)
        case hevc.SPS:
            return sps_id(nal)
        case _:
            return Bits(unescape(nal[:16])[2:]).unsigned()


def escape(data: bytes) -> bytes:
    """Return a NAL unit with the bytes that keep start codes out of it."""
    kept = _ESCAPED.sub(b"\0\0\3", data)
    return kept + b"\3" if kept.endswith(b"\0") else kept


def renumbered(nal: bytes, ids: Ids, level: bytes | None = None) -> bytes:
    """Return a parameter set or slice of x265's with other ids; any other NAL unit as it is.

    Args:
        nal: One of an encoder whose sets all have the id 0.
        ids: What takes its place; that of the picture parameter set is one of 15 to 30.
        level: Tier and level (two bytes: the one with general_tier_flag, general_level_idc) to
            write into the sets instead of the encoder's.

    Raises:
        Unspliceable: It is not made as x265 makes them.
    """
    kind = hevc.nal_type(nal)
    if kind in hevc.SLICES:
        return _slice(nal, ids.pps)
    if kind not in hevc.SETS:
        return nal
    data = unescape(nal)
    bits = _bits(data[2:])
    match kind:
        case hevc.VPS:
            bits = f"{ids.vps:04b}{bits[4:]}"
        case hevc.SPS:
            # One layer, so that the profile has its fixed length; then ue(0), a single 1.
            if bits[4:7] != "000" or bits[104] != "1":
                raise Unspliceable(_OTHER)
            bits = f"{ids.vps:04b}{bits[4:104]}{_unsigned(ids.sps)}{bits[105:]}"
        case _:
            if bits[:2] != "11":
                raise Unspliceable(_OTHER)
            bits = _unsigned(ids.pps) + _unsigned(ids.sps) + bits[2:]
    return escape(data[:2] + _leveled(kind, _bytes(bits), level))


def find_ids(existing: Iterable[bytes], new: Iterable[bytes], level: bytes) -> Ids:
    """Return ids for an encoder's sets: those of the very same sets, or ones that nobody uses.

    A file that is spliced again and again needs no more ids than it has kinds of runs.

    Args:
        existing: Every parameter set of the stream.
        new: The encoder's sets.
        level: See `renumbered`.

    Raises:
        Unspliceable: All ids are in use, or a set is not understood.
    """
    known, sets = set(existing), tuple(new)
    used: dict[int, set[int]] = {kind: set() for kind in hevc.SETS}
    for nal in known:
        used[hevc.nal_type(nal)].add(set_id(nal))
    of = product(
        used[hevc.VPS] & set(_VPS_IDS),
        used[hevc.SPS] & set(_SPS_IDS),
        used[hevc.PPS] & set(_PPS_IDS),
    )
    for vps, sps, pps in sorted(of):
        ids = Ids(vps, sps, pps)
        if all(renumbered(nal, ids, level) in known for nal in sets):
            return ids
    return Ids(
        _free(_VPS_IDS, used[hevc.VPS]),
        _free(_SPS_IDS, used[hevc.SPS]),
        _free(_PPS_IDS, used[hevc.PPS]),
    )


def level_of(sps: bytes) -> bytes:
    """Return tier and level of a sequence parameter set, as `renumbered` takes them."""
    data = unescape(sps)
    if len(data) < 15:
        raise Unspliceable("a parameter set is damaged")
    return bytes([data[3], data[14]])


def _free(ids: range, used: set[int]) -> int:
    # 0 is left to the stream: decoders take the set with the lowest id for the first one.
    free = next((number for number in ids if number and number not in used), None)
    if free is None:
        raise Unspliceable("it has no parameter set id left")
    return free


def _leveled(kind: int, data: bytes, level: bytes | None) -> bytes:
    if level is None or kind == hevc.PPS:
        return data
    profile_at = 4 if kind == hevc.VPS else 1
    tier = data[profile_at] & ~0x20 | level[0] & 0x20
    changed = bytearray(data)
    changed[profile_at], changed[profile_at + 11] = tier, level[1]
    return bytes(changed)


def _slice(nal: bytes, pps: int) -> bytes:
    # Behind a byte that is never part of an escape, everything stays as it is.
    calm = _NEVER_ESCAPED.search(nal, 3)
    end = calm.end() if calm else len(nal)
    data = unescape(nal[:end])
    before = 2 if hevc.nal_type(nal) in hevc.IRAP else 1
    bits = _bits(data[2:3])
    if bits[before] != "1":
        raise Unspliceable(_OTHER)
    grown = bits[:before] + _unsigned(pps) + bits[before + 1 :]
    return escape(data[:2] + int(grown, 2).to_bytes(2, "big") + data[3:]) + nal[end:]


def _unsigned(number: int) -> str:
    code = f"{number + 1:b}"
    return "0" * (len(code) - 1) + code


def _bits(data: bytes) -> str:
    return bin(int.from_bytes(b"\1" + data, "big"))[3:]


def _bytes(bits: str) -> bytes:
    """Return a set's bits as bytes, closed anew behind its last 1, which closed it before."""
    whole = bits[: bits.rindex("1") + 1]
    whole += "0" * (-len(whole) % 8)
    return int(whole, 2).to_bytes(len(whole) // 8, "big")
