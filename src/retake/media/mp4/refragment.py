"""Writing a fragmented file whose samples were exchanged: every place that moves is told anew."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from retake.core.watch import Watch
from retake.media.mp4.boxes import Box, Place, boxes_in
from retake.media.mp4.edits import Edit, Piece, Slots
from retake.media.mp4.fragments import Changed, Fragment, Fragments, changes
from retake.media.mp4.runs import Traf
from retake.media.mp4.transfer import copy
from retake.media.unspliceable import Unspliceable

Moved = Callable[[int], int]
"""Returns where a place of the old file is in the new one."""

_Changes = Mapping[int, Mapping[int, Changed]]


def refragment(
    src: Path, dst: BinaryIO, old: Fragments, edits: Mapping[int, Edit], watch: Watch
) -> None:
    """Write a fragmented file with some of its tracks changed.

    Args:
        src: The file.
        dst: An empty file, open for writing.
        old: What `read_fragments` found in it.
        edits: What happens to tracks, by track id.
        watch: Asked for a wish to cancel at every block.

    Raises:
        Unspliceable: Something that would have to change is not understood.
        OSError: Reading or writing failed.
        Cancelled: The watch was cancelled.
    """
    with src.open("rb") as file:
        new = {
            track.id: changes(track, old.samples[track.id], edits[track.id], file)
            for track in old.tracks
            if track.id in edits
        }
        for track in old.tracks:
            edit = edits.get(track.id)
            if isinstance(edit, Slots) and edit.stsd is not None:
                track.stbl.replaced(edit.stsd)
        cuts = [
            (old.samples[track][number].start, old.samples[track][number].size, one)
            for track, changed in new.items()
            for number, one in changed.items()
        ]
        cuts.sort(key=lambda cut: cut[0])
        moved = _moves(old, new, cuts)
        for place in old.places:
            if place.kind == b"mdat":
                _write_data(file, dst, place, cuts, watch)
            else:
                dst.write(_box(file, place, old, new, moved))


_Cut = tuple[int, int, Changed]


def _moves(old: Fragments, new: _Changes, cuts: list[_Cut]) -> Moved:
    """Return the map from places of the old file to places of the new one."""
    grown = [(start + size, one.sample.size - size) for start, size, one in cuts]
    built = {place.start: len(old.moov.build()) for place in old.places if place.kind == b"moov"}
    built |= {part.place.start: len(_moof(part, new, lambda at: at)) for part in old.parts}
    grown += [
        (place.start + place.size, built[place.start] - place.size)
        for place in old.places
        if place.start in built
    ]
    grown.sort()
    ends = [end for end, _ in grown]
    sums = [0, *accumulate(by for _, by in grown)]
    return lambda at: at + sums[bisect_right(ends, at)]


def _box(file: BinaryIO, place: Place, old: Fragments, new: _Changes, moved: Moved) -> bytes:
    if place.kind == b"moov":
        return old.moov.build()
    file.seek(place.start)
    data = file.read(place.size)
    payload = data[place.header :]
    match place.kind:
        case b"moof":
            part = next(part for part in old.parts if part.place == place)
            return _moof(part, new, moved)
        case b"sidx":
            return data[: place.header] + _sidx(payload, place.start + place.size, moved)
        case b"mfra":
            return data[: place.header] + _mfra(payload, moved)
        case _:
            pass
    return data


def _moof(part: Fragment, new: _Changes, moved: Moved) -> bytes:
    """Return a moof box whose tables are true of the new file."""
    body = b""
    for at, (kind, data) in enumerate(part.boxes):
        traf = part.trafs.get(at)
        inside = data if traf is None else _traf(traf, new.get(traf.track, {}), moved)
        body += Box(kind, inside).build()
    return Box(b"moof", body).build()


def _traf(traf: Traf, new: Mapping[int, Changed], moved: Moved) -> bytes:
    body, following = b"", traf.first
    for at, (kind, data) in enumerate(traf.boxes):
        run = traf.runs.get(at)
        if run is not None:
            first = following
            following += len(run.samples)
            changed = None
            if any(first + number in new for number in range(len(run.samples))):
                changed = [
                    new[first + number].sample if first + number in new else sample
                    for number, sample in enumerate(run.samples)
                ]
            shift = moved(run.start) - moved(run.base) - (run.start - run.base)
            body += run.built(shift, changed)
        elif kind == b"tfhd" and traf.base is not None:
            body += Box(kind, data[:8] + struct.pack(">Q", moved(traf.base)) + data[16:]).build()
        elif kind != b"sdtp" or not new:
            body += Box(kind, data).build()
    return body


def _sidx(payload: bytes, anchor: int, moved: Moved) -> bytes:
    """Return a segment index whose parts have their new lengths."""
    wide = payload[0]
    data = bytearray(payload)
    first = struct.unpack_from(">Q" if wide else ">I", data, 20 if wide else 16)[0]
    at = 28 if wide else 20
    (count,) = struct.unpack_from(">H", data, at + 2)
    start = anchor + first
    if first:
        struct.pack_into(
            ">Q" if wide else ">I", data, 20 if wide else 16, moved(start) - moved(anchor)
        )
    for number in range(count):
        place = at + 4 + 12 * number
        (said,) = struct.unpack_from(">I", data, place)
        end = start + (said & 0x7FFFFFFF)
        size = moved(end) - moved(start)
        struct.pack_into(">I", data, place, said & 0x80000000 | size)
        start = end
    return bytes(data)


def _mfra(payload: bytes, moved: Moved) -> bytes:
    """Return an index of random access points whose fragments have their new places."""
    body = b""
    for kind, data in boxes_in(payload):
        body += Box(kind, _tfra(data, moved) if kind == b"tfra" else data).build()
    return body


def _tfra(payload: bytes, moved: Moved) -> bytes:
    wide = payload[0]
    data = bytearray(payload)
    _, _, widths, count = struct.unpack_from(">IIII", data)
    tail = sum((widths >> shift & 3) + 1 for shift in (0, 2, 4))
    row = (16 if wide else 8) + tail
    for number in range(count):
        at = 16 + row * number + (8 if wide else 4)
        form = ">Q" if wide else ">I"
        struct.pack_into(form, data, at, moved(struct.unpack_from(form, data, at)[0]))
    return bytes(data)


def _write_data(
    file: BinaryIO, dst: BinaryIO, place: Place, cuts: list[_Cut], watch: Watch
) -> None:
    """Write an mdat box with new samples in the places of old ones."""
    end = place.start + place.size
    inside = [cut for cut in cuts if place.start <= cut[0] < end]
    size = place.size + sum(one.sample.size - old for _, old, one in inside)
    header = struct.pack(">I4s", size, b"mdat") if place.header == 8 else b""
    if place.header == 16:
        header = struct.pack(">I4sQ", 1, b"mdat", size)
    elif size >= 1 << 32:
        raise Unspliceable("the file would outgrow its form")
    dst.write(header)
    at = place.start + place.header
    for start, old, one in inside:
        copy(Piece(file, at, start - at), dst, watch)
        copy(one.source, dst, watch)
        at = start + old
    copy(Piece(file, at, end - at), dst, watch)
