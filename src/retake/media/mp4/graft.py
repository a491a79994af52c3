"""Putting a track from one MP4 into another's moov: added, or in the place of an older one."""

from __future__ import annotations

import struct

from retake.media.mp4.boxes import Box
from retake.media.mp4.edits import NewTrack
from retake.media.mp4.tables import known_version

_ID_AT = {0: 12, 1: 20}
_DURATION_AT = {0: (20, ">I"), 1: (28, ">Q")}
_MVHD_DURATION_AT = {0: (16, ">I"), 1: (24, ">Q")}
_LANGUAGE_AT = {0: 20, 1: 32}
_NEW_MEDIA = frozenset({b"tkhd", b"edts", b"mdia"})


def graft(moov: Box, new: NewTrack) -> None:
    """Put `new` into `moov`; the track's box stays the one that its tables belong to.

    A track that is replaced hands on its id, language, flags, user data and references.
    """
    trak = new.track.trak
    children = [child for child in moov.children or [] if child.kind == b"trak"]
    if new.replaces is None:
        _set_id(trak, max((_id(child) for child in children), default=0) + 1)
        moov.children = _behind_last_trak(moov, trak)
    else:
        old = next(child for child in children if _id(child) == new.replaces)
        _take_over(trak, old)
        moov.children = [trak if child is old else child for child in moov.children or []]
    _update_movie(moov)


def movie_timescale(moov: Box) -> int:
    """Return the units of a movie's own times in a second."""
    payload = known_version(moov.get(b"mvhd")).payload
    at = 20 if payload[0] else 12
    return int.from_bytes(payload[at : at + 4], "big")


def _id(trak: Box) -> int:
    header = trak.get(b"tkhd").payload
    at = _ID_AT[header[0]]
    return int.from_bytes(header[at : at + 4], "big")


def _set_id(trak: Box, number: int) -> None:
    header = trak.get(b"tkhd")
    at = _ID_AT[header.payload[0]]
    header.payload = header.payload[:at] + struct.pack(">I", number) + header.payload[at + 4 :]


def _duration(header: bytes, table: dict[int, tuple[int, str]]) -> int:
    at, form = table[header[0]]
    return int(struct.unpack_from(form, header, at)[0])


def _behind_last_trak(moov: Box, trak: Box) -> list[Box]:
    children = list(moov.children or [])
    last = max((n for n, child in enumerate(children) if child.kind == b"trak"), default=-1)
    return [*children[: last + 1], trak, *children[last + 1 :]]


def _take_over(trak: Box, old: Box) -> None:
    """Give `trak` everything of `old` that does not say how its samples are coded and timed."""
    new_header, header = trak.get(b"tkhd").payload, bytearray(old.get(b"tkhd").payload)
    at, form = _DURATION_AT[header[0]]
    struct.pack_into(form, header, at, _duration(new_header, _DURATION_AT))
    trak.get(b"tkhd").payload = bytes(header)
    language = _LANGUAGE_AT[old.get(b"mdia", b"mdhd").payload[0]]
    code = old.get(b"mdia", b"mdhd").payload[language : language + 2]
    media = trak.get(b"mdia", b"mdhd")
    at = _LANGUAGE_AT[media.payload[0]]
    media.payload = media.payload[:at] + code + media.payload[at + 2 :]
    fresh = [child for child in trak.children or [] if child.kind in _NEW_MEDIA]
    kept = [child for child in old.children or [] if child.kind not in _NEW_MEDIA]
    trak.children = fresh + kept


def _update_movie(moov: Box) -> None:
    """Bring the movie's length and next free track id up to date."""
    traks = [child for child in moov.children or [] if child.kind == b"trak"]
    header = bytearray(known_version(moov.get(b"mvhd")).payload)
    at, form = _MVHD_DURATION_AT[header[0]]
    lengths = [_duration(trak.get(b"tkhd").payload, _DURATION_AT) for trak in traks]
    longest = max(struct.unpack_from(form, header, at)[0], *lengths)
    struct.pack_into(form, header, at, min(longest, 256 ** struct.calcsize(form) - 1))
    struct.pack_into(">I", header, len(header) - 4, max(_id(trak) for trak in traks) + 1)
    moov.get(b"mvhd").payload = bytes(header)
