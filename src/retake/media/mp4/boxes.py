"""Boxes of an MP4 or MOV file: read into a tree, found by path, written again.

Format: ISO/IEC 14496-12, 4.2. Boxes that hold tables or payload stay bytes, so whatever is not
understood here is kept as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from retake.media.unspliceable import Unspliceable

_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_MAX_MOOV_BYTES = 64 * 1024**2
_MAX_TOP_BOXES = 10_000


@dataclass(slots=True)
class Box:
    """One box: either `payload` or `children`, never both.

    Attributes:
        kind: Its four letters.
        payload: Everything behind the header; empty for a parent.
        children: The boxes in it, in order; None for a box that is kept as bytes.
    """

    kind: bytes
    payload: bytes = b""
    children: list[Box] | None = None

    def find(self, *path: bytes) -> Box | None:
        """Return the first box at a path below this one, or None."""
        found: Box | None = self
        for kind in path:
            children = [] if found is None else found.children or []
            found = next((child for child in children if child.kind == kind), None)
        return found

    def get(self, *path: bytes) -> Box:
        """Return the first box at a path below this one.

        Raises:
            Unspliceable: There is none.
        """
        found = self.find(*path)
        if found is None:
            raise Unspliceable(f"its {_name(self.kind)} box has no {_name(path[-1])}")
        return found

    def replaced(self, new: Box) -> None:
        """Put `new` in the place of the child of its kind, or behind the others."""
        children = [] if self.children is None else self.children
        for at, child in enumerate(children):
            if child.kind == new.kind:
                children[at] = new
                return
        children.append(new)
        self.children = children

    def build(self) -> bytes:
        """Return the box's bytes, header included."""
        payload = self.payload
        if self.children is not None:
            payload = b"".join(child.build() for child in self.children)
        return struct.pack(">I4s", len(payload) + 8, self.kind) + payload


@dataclass(frozen=True, slots=True)
class Place:
    """Where a top-level box lies in its file, in bytes."""

    kind: bytes
    start: int
    header: int
    size: int


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> Box:
    """Return a box whose payload starts with version and flags."""
    return Box(kind, struct.pack(">I", version << 24 | flags) + b"".join(parts))


def parse(kind: bytes, payload: bytes, depth: int = len(_PARENTS)) -> Box:
    """Return a box as a tree of at most `depth` levels, down to the sample tables.

    Raises:
        Unspliceable: A box reaches past its parent's end.
    """
    if kind not in _PARENTS or not depth:
        return Box(kind, payload)
    return Box(kind, children=[parse(child, data, depth - 1) for child, data in boxes_in(payload)])


def boxes_in(data: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and payload of the boxes that follow one another in `data`.

    Raises:
        Unspliceable: A box reaches past the end.
    """
    at = start
    # QuickTime ends some lists with a 32-bit zero.
    while at + 8 <= len(data):
        kind, header, size = _header(data[at : at + 16], len(data) - at)
        yield kind, data[at + header : at + size]
        at += size


def top_boxes(file: BinaryIO, size: int) -> list[Place]:
    """Return the boxes that a file of `size` bytes consists of.

    Raises:
        Unspliceable: They do not fill it exactly as they say.
    """
    found: list[Place] = []
    at = 0
    while at + 8 <= size:
        file.seek(at)
        kind, header, length = _header(file.read(16), size - at)
        found.append(Place(kind, at, header, length))
        at += length
        if len(found) > _MAX_TOP_BOXES:
            raise Unspliceable("the file has too many parts")
    return found


def read_moov(file: BinaryIO, size: int) -> tuple[Box, list[Place]]:
    """Return a file's moov box as a tree, and all its top-level boxes.

    Raises:
        Unspliceable: The file is fragmented, compressed, or no plain MP4 or MOV.
    """
    places = top_boxes(file, size)
    kinds = [place.kind for place in places]
    if b"moof" in kinds or b"sidx" in kinds:
        raise Unspliceable("the file is fragmented")
    if kinds.count(b"moov") != 1 or b"meta" in kinds:
        raise Unspliceable("the file is laid out in an unusual way")
    place = places[kinds.index(b"moov")]
    if place.size > _MAX_MOOV_BYTES:
        raise Unspliceable("the file's tables are too large")
    file.seek(place.start + place.header)
    moov = parse(b"moov", file.read(place.size - place.header))
    if moov.find(b"mvex") or moov.find(b"cmov"):
        raise Unspliceable("the file is fragmented or its tables are compressed")
    return moov, places


def _header(data: bytes, room: int) -> tuple[bytes, int, int]:
    size, kind, header = int.from_bytes(data[:4], "big"), data[4:8], 8
    if size == 1:
        size, header = int.from_bytes(data[8:16], "big"), 16
    elif size == 0:
        size = room
    if size < header or size > room:
        raise Unspliceable(f"its {_name(kind)} box is damaged")
    return kind, header, size


def _name(kind: bytes) -> str:
    return kind.decode("latin-1").encode("ascii", "replace").decode()
