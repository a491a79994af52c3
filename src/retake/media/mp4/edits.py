"""What happens to a track: its samples exchanged one for one, or the whole track put in or out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from retake.media.mp4.boxes import Box
from retake.media.mp4.tables import Integers, Track, composition_box, sizes_box, sync_box

# They mark groups or kinds of samples by number and would lie about exchanged ones.
_ABOUT_SAMPLES = frozenset({b"sdtp", b"sbgp", b"sgpd", b"stps", b"stsh", b"cslg"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of bytes to copy from a file."""

    file: BinaryIO
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Slots:
    """A track whose samples are exchanged slot by slot; decoding times stay as they are.

    Attributes:
        samples: For every slot the number of the sample that stays there, or a new one.
        composition: When each slot's sample is shown, before edit lists; None: as it was.
        sync: Whether each slot's sample is a sync sample; None: as it was.
        stsd: A new sample description; None: the old one.
    """

    samples: Sequence[int | Piece]
    composition: Integers | None = None
    sync: NDArray[np.bool_] | None = None
    stsd: Box | None = None

    def pieces(self, track: Track, chunk: int, file: BinaryIO) -> Iterator[Piece]:
        """Yield the bytes of one chunk; `file` is the source."""
        first = int(track.chunk_firsts[chunk])
        for sample in self.samples[first : first + int(track.chunk_counts[chunk])]:
            if isinstance(sample, Piece):
                yield sample
            else:
                yield Piece(file, int(track.offsets[sample]), int(track.sizes[sample]))

    def apply(self, track: Track) -> None:
        """Change the track's tables, all but its chunk offsets."""
        stbl = track.stbl
        sizes = [s.size if isinstance(s, Piece) else int(track.sizes[s]) for s in self.samples]
        stbl.replaced(sizes_box(np.array(sizes, np.int64)))
        if self.composition is not None:
            offsets = self.composition - track.decode_times
            if offsets.any() or stbl.find(b"ctts"):
                stbl.replaced(composition_box(offsets))
        if self.sync is not None:
            if not self.sync.all() or stbl.find(b"stss"):
                stbl.replaced(sync_box(self.sync))
            stbl.children = [c for c in stbl.children or [] if c.kind not in _ABOUT_SAMPLES]
        if self.stsd is not None:
            stbl.replaced(self.stsd)


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A track in which one run of samples of fixed size gets other bytes, as in PCM.

    Attributes:
        first: The first sample overwritten.
        data: Their new bytes, as many as before.
    """

    first: int
    data: Piece

    def pieces(self, track: Track, chunk: int, file: BinaryIO) -> Iterator[Piece]:
        """Yield the bytes of one chunk; `file` is the source."""
        width = int(track.sizes[0])
        start, size = int(track.chunk_offsets[chunk]), int(track.chunk_sizes[chunk])
        # Where the new bytes begin and end, counted from the chunk's first byte.
        begin = (self.first - int(track.chunk_firsts[chunk])) * width
        low = min(max(begin, 0), size)
        high = min(max(begin + self.data.size, 0), size)
        yield Piece(file, start, low)
        yield Piece(self.data.file, self.data.start + low - begin, high - low)
        yield Piece(file, start + high, size - high)

    def apply(self, track: Track) -> None:
        """Leave the tables as they are: nothing changes its size."""


Edit = Slots | Overwrite


@dataclass(frozen=True, slots=True)
class NewTrack:
    """A track from another file, put in whole.

    Attributes:
        file: The file that holds its samples; its movie timescale is the source's.
        track: Its tables.
        replaces: Id of the source's track in whose place it comes; None adds it.
    """

    file: BinaryIO
    track: Track
    replaces: int | None = None
