"""Sample entries: what an stsd box says about how a track is coded, and how to change it.

Format: ISO/IEC 14496-12, 8.5.2 and 12.1.3; QuickTime's video sample description has the same
78 bytes in front.
"""

from __future__ import annotations

import struct

from retake.media.mp4.boxes import Box, boxes_in
from retake.media.mp4.tables import Track
from retake.media.unspliceable import Unspliceable

_VISUAL_HEAD = 78
# Boxes that describe the picture, not the codec: they stay when the codec changes.
_ABOUT_THE_PICTURE = (b"pasp", b"colr", b"clap", b"fiel", b"mdcv", b"clli", b"gama")

_DOLBY_VISION = frozenset({b"dvh1", b"dvhe", b"dva1", b"dvav", b"dav1"})
_OF_EACH_PICTURE = {
    b"dvcC": "Dolby Vision's",
    b"dvvC": "Dolby Vision's",
    b"dvwC": "Dolby Vision's",
    b"lhvC": "a second layer's",
}


def refuse_unknown_metadata(kind: bytes, entry: bytes) -> None:
    """Refuse a sample entry whose samples hold more about each picture than the picture.

    Args:
        kind: Its four letters.
        entry: Its payload.

    Raises:
        Unspliceable: It is of that kind: the metadata would describe pictures that are gone.
    """
    found = {box for box, _ in boxes_in(entry, _VISUAL_HEAD)} & set(_OF_EACH_PICTURE)
    whose = "Dolby Vision's" if kind in _DOLBY_VISION else None
    whose = whose or next((_OF_EACH_PICTURE[box] for box in sorted(found)), None)
    if whose is not None:
        raise Unspliceable(f"{whose} metadata describe each of its old pictures")


def with_config(track: Track, kind: bytes, config: bytes) -> Box:
    """Return the track's stsd box with another payload for one configuration box."""
    entry_kind, payload = track.entry()
    boxes = [
        (found, config if found == kind else data)
        for found, data in boxes_in(payload, _VISUAL_HEAD)
    ]
    return _stsd(track, entry_kind, payload[:_VISUAL_HEAD], boxes)


def with_codec_of(track: Track, new: Track) -> Box:
    """Return `new`'s stsd box, described as the picture of `track` was: shape, colour, fields."""
    _, old = track.entry()
    kept = [
        (kind, data) for kind, data in boxes_in(old, _VISUAL_HEAD) if kind in _ABOUT_THE_PICTURE
    ]
    kinds = {kind for kind, _ in kept}
    entry_kind, payload = new.entry()
    coded = [item for item in boxes_in(payload, _VISUAL_HEAD) if item[0] not in kinds]
    return _stsd(track, entry_kind, payload[:_VISUAL_HEAD], coded + kept)


def _stsd(track: Track, kind: bytes, head: bytes, boxes: list[tuple[bytes, bytes]]) -> Box:
    start = track.stbl.get(b"stsd").payload[:8]
    body = head + b"".join(Box(found, data).build() for found, data in boxes)
    return Box(b"stsd", start + struct.pack(">I4s", len(body) + 8, kind) + body)
