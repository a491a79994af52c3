"""New sound between the packets of a lossy track: only those that sound inside the section change.

Neighbouring packets of a transform codec overlap: what is heard at a packet's front is the fading
half of the packet before plus its own rising one. So the packet before the section is made anew as
well, from the source's own sound, and the aliasing of the two halves cancels everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.seam import Seam
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import Place, Timeline, packet_bytes
from retake.media.sound import read_sound
from retake.media.unspliceable import Unspliceable

WARM_UP = 16
"""Packets encoded before the first one that is used: the encoder's model of the ear settles."""

_TAIL = 8
"""Packets encoded behind the last one that is needed, for a place where the windows fit."""

_SWALLOWED = 4
"""Packets' worth of sound that encoders take in before they return the first one."""


class PacketCoder(Protocol):
    """Makes packets that the track's decoder is set up for."""

    @property
    def frame(self) -> int:
        """Samples that one packet stands for."""
        ...

    @property
    def overlap(self) -> int:
        """Samples at a packet's front into which the packet before it sounds."""
        ...

    @property
    def settle(self) -> int:
        """How many packets behind the section may be made anew for the decoder's memory."""
        ...

    def length(self, packet: bytes) -> int:
        """Return how many samples a packet of the track stands for."""
        ...

    def encodings(self, samples: NDArray[np.float32]) -> Iterator[list[bytes]]:
        """Yield ways to encode samples ``[channels, n * frame]``, equally good ones.

        Packet i of each stands for frame i. There may be fewer than n, for an encoder has its
        delay, and up to the first `WARM_UP` may be empty.
        """
        ...

    def fits(self, before: bytes, after: bytes) -> bool:
        """Return whether a decoder can play one packet behind the other."""
        ...


def splice_lossy(
    path: Path, audio: AudioStream, line: Timeline, place: Place, coder: PacketCoder
) -> SplicedSound:
    """Return the track with packets that put new sound in its place.

    Raises:
        Unspliceable: The track's packets are not all of one length, or encoding failed.
        BadSource: The sound around the section cannot be decoded.
    """
    frame, low, high = coder.frame, place.low, place.high
    if any(length != frame for length in line.lengths[low:high]):
        raise Unspliceable("its packets differ in length")
    origin = line.starts[low]
    first = max(low + (place.first - origin - coder.overlap) // frame, low)
    last = min(low + (place.end - 1 - origin) // frame + coder.settle, high - 1)
    begin, stop = first - WARM_UP, last + 1 + _TAIL
    start = origin + (begin - low) * frame
    raw = _raw(path, audio, start, origin + (stop + _SWALLOWED - low) * frame)
    raw[:, place.first - start : place.end - start] = place.samples
    old = packet_bytes(path, audio.index, max(begin, low), min(stop + 1, high))
    seam = Seam(path, audio, old, (place.first - start, place.end - start), begin, frame)
    for packets in coder.encodings(raw):
        start_at, data = _fitted(coder, dict(enumerate(packets, begin)), old, first, last)
        for spared in range(coder.settle + 1):
            seam.offer(start_at, data[: len(data) - spared])
        if seam.good:
            break
    if seam.best is None:
        raise Unspliceable("the encoder did not return one packet for every frame")
    first, data = seam.best
    held = place.samples.shape[1]
    return SplicedSound(line.packets, first, tuple(data), held, len(data) * frame - held)


def _raw(path: Path, audio: AudioStream, first: int, last: int) -> NDArray[np.float32]:
    """Return samples by number, counted from the first one that sounds, zeros outside."""
    second = Fraction(1, audio.sample_rate)
    return read_sound(path, audio, audio.start + first * second, audio.start + last * second)


def _fitted(
    coder: PacketCoder, made: Mapping[int, bytes], old: Mapping[int, bytes], first: int, last: int
) -> tuple[int, list[bytes]]:
    """Return which packet is replaced first, and the new ones that fit between the old ones."""
    if last not in made:
        raise Unspliceable("the encoder did not return one packet for every frame")
    first = _fitting_start(coder, made, old, first)
    last = _fitting_end(coder, made, old, last)
    return first, [made[number] for number in range(first, last + 1)]


def _fitting_start(
    coder: PacketCoder, made: Mapping[int, bytes], old: Mapping[int, bytes], first: int
) -> int:
    """Return the latest packet at or before `first` where old and new fit together."""
    for start in range(first, first - _TAIL, -1):
        if start - 1 not in old or coder.fits(old[start - 1], made[start]):
            return start
    return first


def _fitting_end(
    coder: PacketCoder, made: Mapping[int, bytes], old: Mapping[int, bytes], last: int
) -> int:
    """Return the earliest packet at or behind `last` where new and old fit together."""
    for end in range(last, min(last + _TAIL, max(made))):
        if end + 1 not in old or coder.fits(made[end], old[end + 1]):
            return end
    return last


def aligned(samples: NDArray[np.float32], frame: int, delay: int) -> NDArray[np.float32]:
    """Return samples with silence in front that makes an encoder's delay whole packets."""
    return np.pad(samples, ((0, 0), (-delay % frame, 0)))


def without_delay(packets: Sequence[bytes], frame: int, delay: int) -> list[bytes]:
    """Return the packets behind those that hold nothing but the encoder's delay."""
    return list(packets[-(-delay // frame) :])
