"""Runs of samples in movie fragments: what their tables say, and the tables written anew.

Format: ISO/IEC 14496-12, 8.8.7 (tfhd), 8.8.8 (trun), 8.8.12 (tfdt).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from retake.media.mp4.boxes import Box, boxes_in
from retake.media.unspliceable import Unspliceable

KEY, NOT_KEY = 0x02000000, 0x01010000
"""Sample flags: it stands alone; it leans on others, and decoding cannot start there."""

_NOT_SYNC = 0x10000
_BASE_OFFSET, _DESCRIPTION, _BASE_IS_MOOF = 0x1, 0x2, 0x20000
_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800
_MAX_SAMPLES = 1_000_000
_REFUSED = frozenset({b"senc", b"saio", b"saiz"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: where it lies in the file, and how long it is; times in the track's units.

    `composition` is presentation minus decoding time, `flags` are the format's own.
    """

    start: int = 0
    size: int = 0
    duration: int = 0
    flags: int = 0
    composition: int = 0

    @property
    def sync(self) -> bool:
        """Whether decoding can start at it."""
        return not self.flags & _NOT_SYNC


@dataclass(frozen=True, slots=True)
class Run:
    """One trun box: its payload, what its data offset counts from in the file, its samples."""

    payload: bytes
    base: int
    samples: tuple[Sample, ...]

    @property
    def start(self) -> int:
        """Where its data begins in the file."""
        return self.samples[0].start if self.samples else self.base

    @property
    def end(self) -> int:
        """Where its data ends."""
        return self.samples[-1].start + self.samples[-1].size if self.samples else self.base

    def built(self, shift: int, changed: Sequence[Sample] | None) -> bytes:
        """Return the box, header included.

        Args:
            shift: Bytes by which its data moves away from what its offset counts from.
            changed: Other samples in the places of its own; None leaves its table as it is.
        """
        data = bytearray(self.payload)
        said = int.from_bytes(data[1:4], "big")
        if said & _DATA_OFFSET:
            (old,) = struct.unpack_from(">i", data, 8)
            struct.pack_into(">i", data, 8, old + shift)
        if changed is None:
            return Box(b"trun", bytes(data)).build()
        signed = int(bool(data[0]) or any(sample.composition < 0 for sample in changed))
        tells = said & (_DATA_OFFSET | _DURATION) | _SIZE | _FLAGS | _COMPOSITION
        parts = [struct.pack(">II", signed << 24 | tells, len(changed))]
        if said & _DATA_OFFSET:
            parts.append(bytes(data[8:12]))
        for sample in changed:
            if said & _DURATION:
                parts.append(struct.pack(">I", sample.duration))
            moved = struct.pack(">i" if signed else ">I", sample.composition)
            parts.append(struct.pack(">II", sample.size, sample.flags) + moved)
        return Box(b"trun", b"".join(parts)).build()


@dataclass(frozen=True, slots=True)
class Traf:
    """One traf box: what a fragment has of one track.

    Attributes:
        track: The track's id.
        boxes: Its boxes' kinds and payloads, in order.
        runs: Its runs, by the place of their box among them.
        base: The place in the file that its tfhd names outright; None where it names none.
        decoded: When its first sample is decoded; None where that is not told.
        first: Number of its first sample in the track.
    """

    track: int
    boxes: tuple[tuple[bytes, bytes], ...]
    runs: dict[int, Run]
    base: int | None
    decoded: int | None
    first: int = 0

    @property
    def count(self) -> int:
        """Samples in it."""
        return sum(len(run.samples) for run in self.runs.values())

    @property
    def end(self) -> int | None:
        """Where its data ends in the file; None where it has none."""
        return max((run.end for run in self.runs.values()), default=None)


def read_traf(payload: bytes, moof: int, follows: int | None, trex: dict[int, Sample]) -> Traf:
    """Return what a traf box holds.

    Args:
        payload: Its bytes.
        moof: Where its fragment's moof box begins in the file.
        follows: Where the data of the traf before it ends; None for a fragment's first one.
        trex: What samples are by default, by track id.

    Raises:
        Unspliceable: It is damaged, or uses what is not handled.
    """
    boxes = tuple(boxes_in(payload))
    kinds = [kind for kind, _ in boxes]
    if kinds.count(b"tfhd") != 1 or _REFUSED & set(kinds):
        raise Unspliceable("its fragments are encrypted or damaged")
    try:
        track, said, own, plain = _header(boxes[kinds.index(b"tfhd")][1], trex)
        base = own if own is not None else moof
        if own is None and follows is not None and not said & _BASE_IS_MOOF:
            base = follows
        runs: dict[int, Run] = {}
        decoded, at = None, base
        for place, (kind, data) in enumerate(boxes):
            if kind == b"tfdt":
                decoded = int.from_bytes(data[4 : 12 if data[0] else 8], "big")
            elif kind == b"trun":
                runs[place] = Run(data, base, tuple(_samples(data, base, at, plain)))
                at = runs[place].end
    except struct.error as error:
        raise Unspliceable("its fragments are damaged") from error
    return Traf(track, boxes, runs, own, decoded)


def _header(data: bytes, trex: dict[int, Sample]) -> tuple[int, int, int | None, Sample]:
    """Return a tfhd's track id, its flags, the place it names and what its samples are like."""
    head, track = struct.unpack_from(">II", data)
    said, at, base = head & 0xFFFFFF, 8, None
    if track not in trex:
        raise Unspliceable("its fragments belong to no track")
    if said & _BASE_OFFSET:
        (base,) = struct.unpack_from(">Q", data, at)
        at += 8
    if said & _DESCRIPTION:
        if struct.unpack_from(">I", data, at)[0] != 1:
            raise Unspliceable("it changes its sample description on the way")
        at += 4
    plain = trex[track]
    for mark, name in ((0x8, "duration"), (0x10, "size"), (0x20, "flags")):
        if said & mark:
            plain = replace(plain, **{name: struct.unpack_from(">I", data, at)[0]})
            at += 4
    return track, said, base, plain


def _samples(data: bytes, base: int, follows: int, plain: Sample) -> Iterator[Sample]:
    head, count = struct.unpack_from(">II", data)
    said, at, start = head & 0xFFFFFF, 8, follows
    if count > _MAX_SAMPLES:
        raise Unspliceable("its fragments have too many samples")
    if said & _DATA_OFFSET:
        start = base + struct.unpack_from(">i", data, at)[0]
        at += 4
    first = plain.flags
    if said & _FIRST_FLAGS:
        (first,) = struct.unpack_from(">I", data, at)
        at += 4
    fields = [
        (name, "i" if name == "composition" and data[0] else "I")
        for mark, name in (
            (_DURATION, "duration"),
            (_SIZE, "size"),
            (_FLAGS, "flags"),
            (_COMPOSITION, "composition"),
        )
        if said & mark
    ]
    row = struct.Struct(">" + "".join(form for _, form in fields))
    names = [name for name, _ in fields]
    for number in range(count):
        told = dict(zip(names, row.unpack_from(data, at), strict=True))
        at += row.size
        like = replace(plain, flags=first) if number == 0 else plain
        sample = replace(like, start=start, **told)
        start += sample.size
        yield sample
