"""Writing an MP4 or MOV anew: only the tables that change, and the media data.

Every box that is not named here comes out byte for byte: edit lists, rotation, metadata, chapters,
colour, languages, unknown tracks. Samples that were exchanged are not in the new file at all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from retake.core.watch import Watch
from retake.media.mp4.boxes import Box, Place, read_moov
from retake.media.mp4.edits import Edit, NewTrack, Piece
from retake.media.mp4.graft import graft
from retake.media.mp4.tables import Integers, Track, chunk_offsets_box
from retake.media.mp4.transfer import copy
from retake.media.unspliceable import Unspliceable

# Whatever moov may still grow by: far more than the tables of the tracks that change.
_SLACK = 64 * 1024**2
_LEFT_OUT = frozenset({b"moov", b"mdat", b"free", b"skip", b"wide"})


def read_tracks(path: Path) -> list[Track]:
    """Return the tracks of a plain MP4 or MOV.

    Raises:
        Unspliceable: The file is fragmented or its tables are not understood.
    """
    with path.open("rb") as file:
        moov, _ = read_moov(file, path.stat().st_size)
    return _tracks(moov)


def rewrite(
    src: Path, dst: BinaryIO, edits: Mapping[int, Edit], new: Sequence[NewTrack], watch: Watch
) -> None:
    """Write `src` with some of its tracks changed.

    Args:
        src: A plain MP4 or MOV.
        dst: An empty file, open for writing.
        edits: What happens to tracks, by track id.
        new: Tracks to put in, or to put in the place of others.
        watch: Asked for a wish to cancel at every block.

    Raises:
        Unspliceable: The source's tables are not understood.
        OSError: Reading or writing failed.
        Cancelled: The watch was cancelled.
    """
    with src.open("rb") as file:
        moov, places = read_moov(file, src.stat().st_size)
        tracks = _tracks(moov)
        gone = {one.replaces for one in new}
        kept = [track for track in tracks if track.id not in gone]
        chunks = list(_in_order(file, kept, edits, new))
        _check_size(chunks, file, src.stat().st_size)
        for track in kept:
            if edit := edits.get(track.id):
                edit.apply(track)
        for one in new:
            graft(moov, one)
        head = b"".join(_read(file, place) for place in places if place.kind not in _LEFT_OUT)
        _write(dst, head, moov, [*kept, *(one.track for one in new)], chunks, watch)


def _tracks(moov: Box) -> list[Track]:
    return [Track(child) for child in moov.children or [] if child.kind == b"trak"]


Chunk = tuple[Track, int, list[Piece]]


def _in_order(
    file: BinaryIO, tracks: Sequence[Track], edits: Mapping[int, Edit], new: Sequence[NewTrack]
) -> Iterator[Chunk]:
    """Yield all chunks: the source's in the order of its file, new ones between them by time."""
    own = [(int(at), track, n) for track in tracks for n, at in enumerate(track.chunk_offsets)]
    own.sort(key=lambda item: item[0])
    added = [(_time(one.track, n), one, n) for one in new for n in range(_chunks(one.track))]
    added.sort(key=lambda item: item[0], reverse=True)
    for _, track, number in own:
        while added and added[-1][0] <= _time(track, number):
            _, one, n = added.pop()
            yield one.track, n, [_whole(one.file, one.track, n)]
        edit = edits.get(track.id)
        pieces = [_whole(file, track, number)]
        if edit is not None:
            pieces = [piece for piece in edit.pieces(track, number, file) if piece.size]
        yield track, number, pieces
    for _, one, n in reversed(added):
        yield one.track, n, [_whole(one.file, one.track, n)]


def _time(track: Track, chunk: int) -> float:
    return float(track.decode_times[track.chunk_firsts[chunk]]) / track.timescale


def _chunks(track: Track) -> int:
    return len(track.chunk_offsets)


def _whole(file: BinaryIO, track: Track, chunk: int) -> Piece:
    return Piece(file, int(track.chunk_offsets[chunk]), int(track.chunk_sizes[chunk]))


def _check_size(chunks: Sequence[Chunk], file: BinaryIO, size: int) -> None:
    # Tables may point at the same bytes again and again; the new file would be a bomb.
    if sum(p.size for _, _, pieces in chunks for p in pieces if p.file is file) > size:
        raise Unspliceable("its tables point at the same data more than once")


def _write(
    dst: BinaryIO,
    head: bytes,
    moov: Box,
    tracks: Sequence[Track],
    chunks: Sequence[Chunk],
    watch: Watch,
) -> None:
    positions = {id(track): np.zeros(_chunks(track), np.int64) for track in tracks}
    total = 0
    for track, number, pieces in chunks:
        positions[id(track)][number] = total
        total += sum(piece.size for piece in pieces)
    wide = total + len(head) + _SLACK >= 1 << 32
    _place(tracks, positions, 0, wide=wide)
    header = struct.pack(">I4s", total + 8, b"mdat")
    if total + 8 >= 1 << 32:
        header = struct.pack(">I4sQ", 1, b"mdat", total + 16)
    start = len(head) + len(moov.build()) + len(header)
    _place(tracks, positions, start, wide=wide)
    for data in (head, moov.build(), header):
        dst.write(data)
    for _, _, pieces in chunks:
        for piece in pieces:
            copy(piece, dst, watch)


def _place(
    tracks: Sequence[Track], positions: Mapping[int, Integers], start: int, *, wide: bool
) -> None:
    for track in tracks:
        box = chunk_offsets_box(positions[id(track)] + start, wide=wide)
        children = track.stbl.children or []
        track.stbl.children = [box if c.kind in {b"stco", b"co64"} else c for c in children]


def _read(file: BinaryIO, place: Place) -> bytes:
    file.seek(place.start)
    return file.read(place.size)
