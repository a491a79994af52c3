"""Which samples of a track each of its packets stands for, and where a section lies among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.opening import open_source
from retake.media.packets import PacketInfo, index_packets, packets_of
from retake.media.sound import Placing, sample_at
from retake.media.unspliceable import Unspliceable

_TOLERATED_S = Fraction(1, 20)
"""How much of the section may lie before a track's first or behind its last sample and is lost: a
track that ends a little before its pictures keeps its length."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A track's packets on the grid of its samples.

    Attributes:
        packets: The packets.
        starts: Number of the first sample that each stands for, counted as `sound.sample_at`
            does; what comes before 0 is priming, which players leave out.
        lengths: Samples that each stands for.
    """

    packets: tuple[PacketInfo, ...]
    starts: tuple[int, ...]
    lengths: tuple[int, ...]

    def end(self, number: int) -> int:
        """Return one past the last sample of a packet."""
        return self.starts[number] + self.lengths[number]

    def place(self, audio: AudioStream, start: Fraction, samples: NDArray[np.float32]) -> Place:
        """Return where new sound belongs that begins at `start`, in seconds as everywhere.

        Raises:
            Unspliceable: There is a gap in the track there, or it does not reach that far.
        """
        first = sample_at(audio, start)
        end = first + samples.shape[1]
        low, high = self._run(first, end)
        front, back = self.starts[low], self.end(high - 1)
        allowed = audio.sample_rate * _TOLERATED_S
        if first < front - allowed or end > back + allowed:
            raise Unspliceable("the sound is shorter than the section")
        held = samples[:, max(front - first, 0) : samples.shape[1] - max(end - back, 0)]
        return Place(low, high, max(first, front), held)

    def _run(self, first: int, end: int) -> tuple[int, int]:
        """Return the packets around samples [first, end) between which no gaps lie."""
        count = len(self.packets)
        breaks = [n for n in range(1, count) if self.starts[n] != self.end(n - 1)]
        runs = [
            (low, high)
            for low, high in pairwise([0, *breaks, count])
            if self.starts[low] < end and first < self.end(high - 1)
        ]
        if not runs:
            raise Unspliceable("the sound is shorter than the section")
        if len(runs) > 1:
            raise Unspliceable("its packets have gaps between them or another length")
        return runs[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where new sound belongs.

    Attributes:
        low, high: Half-open range of packets that follow one another without gaps around it.
        first: Number of its first sample.
        samples: What the track holds of it, float32 ``[channels, n]``.
    """

    low: int
    high: int
    first: int
    samples: NDArray[np.float32]

    @property
    def end(self) -> int:
        """One past its last sample."""
        return self.first + self.samples.shape[1]


def read_timeline(path: Path, audio: AudioStream, length_of: Callable[[bytes], int]) -> Timeline:
    """Return a track's timeline.

    Args:
        path: The file.
        audio: The track.
        length_of: Tells from a packet's bytes how many samples it stands for.

    Raises:
        Unspliceable: The packets carry no complete times, or one is not understood.
    """
    packets = index_packets(path, audio.index)
    starts: list[int] = []
    lengths: list[int] = []
    with open_source(path) as container:
        stream = container.streams[audio.index]
        place: Placing | None = None
        for packet in packets_of(container, audio.index):
            if place is None:
                place = Placing(stream, packet, audio.sample_rate)
            lengths.append(length_of(bytes(packet)))
            starts.append(place(packet.pts, lengths[-1]))
    if not packets:
        raise Unspliceable("it has no packets")
    return Timeline(packets, tuple(starts), tuple(lengths))


def packet_bytes(path: Path, stream: int, first: int, last: int) -> dict[int, bytes]:
    """Return the bytes of a stream's packets [first, last), by their numbers."""
    found: dict[int, bytes] = {}
    with open_source(path) as container:
        for number, packet in enumerate(packets_of(container, stream)):
            if number >= last:
                break
            if number >= first:
                found[number] = bytes(packet)
    return found


def extradata(path: Path, stream: int) -> bytes:
    """Return a stream's decoder configuration in FFmpeg's form; empty where there is none."""
    with open_source(path) as container:
        context: Any = container.streams[stream].codec_context
        return context.extradata or b""
