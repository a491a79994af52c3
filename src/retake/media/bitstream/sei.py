"""Supplemental enhancement information of HEVC: what a stream tells of its pictures.

Syntax: ITU-T H.265 (08/2021), 7.3.5 and annex D.2; HDR10+: CTA-861-H, annex S.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from retake.media.bitstream import hevc
from retake.media.bitstream.hevc_ids import escape
from retake.media.bitstream.nal import unescape

MASTERING_DISPLAY, CONTENT_LIGHT, OTHER_TRANSFER = 137, 144, 147
ABOUT_LIGHT = frozenset({MASTERING_DISPLAY, CONTENT_LIGHT, OTHER_TRANSFER})
"""What holds for all pictures from a keyframe on."""

_REGISTERED = 4
_HDR10_PLUS = bytes.fromhex("b5003c000104")


def messages(nal: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and payload of each message in a SEI NAL unit, up to where it is damaged."""
    data = unescape(nal)
    at = 2
    while at + 2 <= len(data):
        numbers: list[int] = []
        for _ in range(2):
            number = 0
            while at < len(data) and data[at] == 255:
                number, at = number + 255, at + 1
            if at == len(data):
                return
            numbers.append(number + data[at])
            at += 1
        kind, size = numbers
        if at + size > len(data):
            return
        yield kind, data[at : at + size]
        at += size


def only(nals: Iterable[bytes], kinds: Collection[int]) -> tuple[bytes, ...]:
    """Return the messages of some types, each once and in a NAL unit of its own.

    Args:
        nals: NAL units; those that are no prefix SEI hold none.
        kinds: Types of messages. The last one of each is the one that holds.
    """
    found: dict[int, bytes] = {}
    for nal in nals:
        if hevc.nal_type(nal) == hevc.PREFIX_SEI:
            found.update((kind, data) for kind, data in messages(nal) if kind in kinds)
    return tuple(_nal(kind, data) for kind, data in found.items())


def is_hdr10_plus(nal: bytes) -> bool:
    """Return whether a SEI NAL unit says how this one picture's brightness is to be mapped."""
    return any(kind == _REGISTERED and data[:6] == _HDR10_PLUS for kind, data in messages(nal))


def _nal(kind: int, data: bytes) -> bytes:
    sizes = b"".join(
        b"\xff" * (number // 255) + bytes([number % 255]) for number in (kind, len(data))
    )
    return escape(bytes([hevc.PREFIX_SEI << 1, 1]) + sizes + data + b"\x80")
