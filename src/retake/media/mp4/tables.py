"""The sample tables of one track: where every sample lies, when it is decoded and shown.

Format: ISO/IEC 14496-12, 8.6 and 8.7. Everything is checked against the number of samples before
it is expanded, so a small file cannot ask for a large table.
"""

from __future__ import annotations

import struct
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retake.media.mp4.boxes import Box, boxes_in, full_box
from retake.media.unspliceable import Unspliceable

Integers = NDArray[np.int64]

# Lengths of version 0; version 1 has three times of 64 bits instead of 32.
_HEADER_BYTES = {b"mvhd": 100, b"tkhd": 84, b"mdhd": 24}
_MAX_SAMPLES = 5_000_000


class Track:
    """One track of a parsed moov.

    Attributes:
        trak: Its box.
        id: Track id; FFmpeg calls it the stream's id.
        handler: ``vide``, ``soun`` or another four letters.
        timescale: Units of its times in a second.
        count: Samples.
        sizes: Bytes of each sample.
        chunk_offsets, chunk_firsts, chunk_counts: Of each chunk: place in the file, first sample,
            number of samples.

    Raises:
        Unspliceable: The tables contradict each other, or use something that is not handled.
    """

    def __init__(self, trak: Box) -> None:
        self.trak = trak
        header = known_version(trak.get(b"tkhd")).payload
        self.id = _number(header, 20 if header[0] else 12)
        media = known_version(trak.get(b"mdia", b"mdhd")).payload
        self.timescale = max(_number(media, 20 if media[0] else 12), 1)
        self.handler = trak.get(b"mdia", b"hdlr").payload[8:12]
        self.stbl = trak.get(b"mdia", b"minf", b"stbl")
        self._check_plain()
        self.sizes = self._sizes()
        self.count = len(self.sizes)
        self.chunk_offsets, self.chunk_firsts, self.chunk_counts = self._chunks()

    @cached_property
    def decode_times(self) -> Integers:
        """When each sample is decoded, the first one at 0."""
        runs = _columns(self.stbl.get(b"stts").payload, 2)
        deltas = _expand(runs[:, 1], runs[:, 0], self.count)
        return np.concatenate([[0], np.cumsum(deltas)[:-1]]).astype(np.int64)

    @cached_property
    def composition_times(self) -> Integers:
        """When each sample is shown, on the same scale, before any edit list."""
        box = self.stbl.find(b"ctts")
        if box is None:
            return self.decode_times
        runs = _columns(box.payload, 2, ">i4")
        return self.decode_times + _expand(runs[:, 1], runs[:, 0], self.count)

    @cached_property
    def sync(self) -> NDArray[np.bool_]:
        """Whether each sample is a sync sample."""
        box = self.stbl.find(b"stss")
        if box is None:
            return np.ones(self.count, np.bool_)
        marks = np.zeros(self.count, np.bool_)
        numbers = _columns(box.payload, 1)[:, 0]
        marks[numbers[(numbers >= 1) & (numbers <= self.count)] - 1] = True
        return marks

    @cached_property
    def offsets(self) -> Integers:
        """Where each sample starts in the file, in bytes."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        starts = np.repeat(self.chunk_firsts, self.chunk_counts)
        return np.repeat(self.chunk_offsets, self.chunk_counts) + ends[:-1] - ends[starts]

    @cached_property
    def chunk_sizes(self) -> Integers:
        """Bytes of each chunk."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        return ends[self.chunk_firsts + self.chunk_counts] - ends[self.chunk_firsts]

    def entry(self) -> tuple[bytes, bytes]:
        """Return the kind and the payload of the track's one sample entry.

        Raises:
            Unspliceable: There are several, or it is encrypted.
        """
        entries = list(boxes_in(self.stbl.get(b"stsd").payload, 8))
        if len(entries) != 1:
            raise Unspliceable("it changes its sample description on the way")
        kind, payload = entries[0]
        if kind in {b"encv", b"enca"}:
            raise Unspliceable("it is encrypted")
        return kind, payload

    def _check_plain(self) -> None:
        for kind in (b"saio", b"saiz", b"senc", b"stz2", b"stdp"):
            if self.stbl.find(kind):
                raise Unspliceable(f"it uses a {kind.decode()} table")
        dinf = self.trak.find(b"mdia", b"minf", b"dinf")
        for kind, payload in boxes_in(b"" if dinf is None else dinf.payload):
            if kind == b"dref":
                for _, reference in boxes_in(payload, 8):
                    if not _number(reference, 0) & 1:
                        raise Unspliceable("its data lies in another file")

    def _sizes(self) -> Integers:
        payload = self.stbl.get(b"stsz").payload
        fixed, count = _number(payload, 4), _number(payload, 8)
        if count > _MAX_SAMPLES:
            raise Unspliceable("it has too many samples")
        if fixed == 1 and self.handler == b"soun":
            # Old QuickTime: the table counts audio frames and does not tell their size.
            raise Unspliceable("its sample sizes are not told")
        if fixed:
            return np.full(count, fixed, np.int64)
        if len(payload) < 12 + 4 * count:
            raise Unspliceable("its sample tables are damaged")
        return np.frombuffer(payload, ">u4", count, 12).astype(np.int64)

    def _chunks(self) -> tuple[Integers, Integers, Integers]:
        box = self.stbl.find(b"stco")
        offsets = (
            _columns(self.stbl.get(b"co64").payload, 1, ">u8")
            if box is None
            else _columns(box.payload, 1)
        )[:, 0]
        runs = _columns(self.stbl.get(b"stsc").payload, 3)
        firsts = np.append(runs[:, 0] - 1, len(offsets))
        lengths = np.diff(firsts)
        if len(runs) == 0 and len(offsets) == 0 and self.count == 0:
            return offsets, offsets, offsets
        if len(runs) == 0 or firsts[0] != 0 or (lengths < 0).any():
            raise Unspliceable("its sample tables are damaged")
        if (runs[:, 2] != 1).any():
            raise Unspliceable("it changes its sample description on the way")
        counts = np.repeat(runs[:, 1], lengths)
        if int(counts.sum()) != self.count:
            raise Unspliceable("its sample tables are damaged")
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        return offsets, starts, counts


def known_version(box: Box) -> Box:
    """Return a header box after a look at its version and length.

    Raises:
        Unspliceable: It is neither version 0 nor 1, or cut short.
    """
    least = _HEADER_BYTES[box.kind]
    if len(box.payload) < least or box.payload[0] > 1:
        raise Unspliceable(f"its {box.kind.decode()} box is damaged")
    if box.payload[0] and len(box.payload) < least + 12:
        raise Unspliceable(f"its {box.kind.decode()} box is damaged")
    return box


def sizes_box(sizes: Integers) -> Box:
    """Return an stsz box."""
    return full_box(b"stsz", struct.pack(">II", 0, len(sizes)), sizes.astype(">u4").tobytes())


def composition_box(offsets: Integers) -> Box:
    """Return a ctts box for composition minus decoding time of each sample."""
    starts = np.flatnonzero(np.append(True, offsets[1:] != offsets[:-1]))
    runs = np.empty((len(starts), 2), ">i4")
    runs[:, 0] = np.diff(np.append(starts, len(offsets)))
    runs[:, 1] = offsets[starts]
    version = int((offsets < 0).any())
    return full_box(b"ctts", struct.pack(">I", len(runs)), runs.tobytes(), version=version)


def sync_box(marks: NDArray[np.bool_]) -> Box:
    """Return an stss box."""
    numbers = np.flatnonzero(marks) + 1
    return full_box(b"stss", struct.pack(">I", len(numbers)), numbers.astype(">u4").tobytes())


def chunk_offsets_box(offsets: Integers, *, wide: bool) -> Box:
    """Return an stco box, or a co64 box where offsets need 64 bits."""
    kind, dtype = (b"co64", ">u8") if wide else (b"stco", ">u4")
    return full_box(kind, struct.pack(">I", len(offsets)), offsets.astype(dtype).tobytes())


def _number(payload: bytes, at: int) -> int:
    if len(payload) < at + 4:
        raise Unspliceable("its sample tables are damaged")
    return int.from_bytes(payload[at : at + 4], "big")


def _columns(payload: bytes, columns: int, dtype: str = ">u4") -> Integers:
    count = _number(payload, 4)
    width = int(dtype[2]) * columns
    if len(payload) < 8 + width * count:
        raise Unspliceable("its sample tables are damaged")
    rows = np.frombuffer(payload, dtype, count * columns, 8)
    return rows.reshape(-1, columns).astype(np.int64)


def _expand(values: Integers, counts: Integers, total: int) -> Integers:
    if (counts < 0).any() or int(counts.sum()) < total or int(counts.sum()) > _MAX_SAMPLES:
        raise Unspliceable("its sample tables are damaged")
    return np.repeat(values, counts)[:total]
