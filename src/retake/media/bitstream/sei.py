"""Supplemental enhancement information of HEVC: what a stream tells of its pictures.

Syntax: ITU-T H.265 (08/2021), 7.3.5 and annex D.2; HDR10+: CTA-861-H, annex S.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from retake.media.bitstream import hevc
from retake.media.bitstream.messages import REGISTERED, message_unit, messages

MASTERING_DISPLAY, CONTENT_LIGHT, OTHER_TRANSFER = 137, 144, 147
ABOUT_LIGHT = frozenset({MASTERING_DISPLAY, CONTENT_LIGHT, OTHER_TRANSFER})
"""What holds for all pictures from a keyframe on."""

_HDR10_PLUS = bytes.fromhex("b5003c000104")


def only(nals: Iterable[bytes], kinds: Collection[int]) -> tuple[bytes, ...]:
    """Return the messages of some types, each once and in a NAL unit of its own.

    Args:
        nals: NAL units; those that are no prefix SEI hold none.
        kinds: Types of messages. The last one of each is the one that holds.
    """
    found: dict[int, bytes] = {}
    for nal in nals:
        if hevc.nal_type(nal) == hevc.PREFIX_SEI:
            found.update((kind, data) for kind, data in messages(nal, 2) if kind in kinds)
    return tuple(message_unit("hevc", kind, data) for kind, data in found.items())


def is_hdr10_plus(nal: bytes) -> bool:
    """Return whether a SEI NAL unit says how this one picture's brightness is to be mapped."""
    return any(kind == REGISTERED and data[:6] == _HDR10_PLUS for kind, data in messages(nal, 2))
