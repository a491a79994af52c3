"""Comparing two tracks of sound, block by block, however long they are.

A block of sound that was encoded again keeps its waveform, or at least how loud each part of the
spectrum is; a change does not. Blocks are compared at the same moments; a constant delay, such as
the priming that another program forgot to take off, is found first and told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.core.proof import Kind
from retake.core.source import AudioStream
from retake.core.timing import sample_at
from retake.media.decode import Beat
from retake.media.sound import sound_runs

BLOCK = 1024
"""Samples that get one verdict."""

SAME_PACKETS_DB = 50.0
"""Least distance below full scale of what two decoders make of the same packets: AAC's make up the
noise in them (PNS), and Opus takes a while to settle behind a seam."""

_SILENT_DB, _CLEAR_DB = 66.0, 20.0
_BANDS = (0, 4, 10, 22, 46, 94, 190, 400, 820)
_BAND_DB, _BAND_FLOOR_DB, _LIKENESS = 4.0, 30.0, 0.7
_CHUNK = 256
_LAG_S, _LISTEN_S, _CLEARLY = 0.12, 30, 0.001

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one block, and by how many dB the difference lies below full scale.

    The latter is None where there is no difference, or nothing to compare.
    """

    kind: Kind
    db: float | None


class Reader:
    """Reads a track forwards, in stretches of any length, with silence where it has none."""

    def __init__(self, path: Path, audio: AudioStream) -> None:
        self._runs = sound_runs(path, audio)
        self._channels = audio.channels
        self._kept: list[tuple[int, Samples]] = []
        self.end = 0
        """One past the last sample read so far."""

    def read(self, first: int, last: int) -> Samples:
        """Return the samples [first, last); later calls may not go back before `first`."""
        while self.end < last:
            run = next(self._runs, None)
            if run is None:
                break
            self._kept.append(run)
            self.end = max(self.end, run[0] + run[1].shape[1])
        self._kept = [run for run in self._kept if run[0] + run[1].shape[1] > first]
        out = np.zeros((self._channels, last - first), np.float32)
        for at, samples in self._kept:
            left, right = max(at, first), min(at + samples.shape[1], last)
            if left < right:
                out[:, left - first : right - first] = samples[:, left - at : right - at]
        return out


def listen(
    src: Path,
    theirs: AudioStream,
    out: Path,
    ours: AudioStream,
    lag: int,
    own: Sequence[bool],
    beat: Beat,
) -> Iterator[Heard]:
    """Yield what became of every block of a track, on the source's grid of samples.

    Args:
        src: The source.
        theirs: Its stream of sound.
        out: The output.
        ours: Its stream of sound, of the same sample rate and number of channels.
        lag: Samples by which the output's track is late (see `delay`).
        own: Of which blocks all packets are the source's own; none of those beyond its end.
        beat: Called for every chunk.

    Raises:
        BadSource: `damaged`: one of the tracks cannot be decoded.
    """
    before, after = Reader(src, theirs), Reader(out, ours)
    rate, at = theirs.sample_rate, 0
    shift = sample_at(theirs.start - ours.start, rate) + lag
    edge = BLOCK * 3 // 2
    while True:
        beat()
        first, last = at - edge, at + _CHUNK * BLOCK + edge
        a, b = before.read(first, last), after.read(first + shift, last + shift)
        # What decoders make of an encoder's priming is heard by nobody.
        a[:, : max(-first, 0)] = 0
        b[:, : max(-first - shift, 0)] = 0
        ends = before.end - at, after.end - shift - at
        blocks = min(-(-max(ends) // BLOCK), _CHUNK)
        these = [*own[at // BLOCK :][:blocks], *[False] * blocks][:blocks]
        # Encoders take a moment to begin; there, the waveform alone has to be alike.
        yield from _blocks(a, b, edge, ends, these, begins=0 if at else 2)
        if blocks < _CHUNK:
            return
        at += _CHUNK * BLOCK


def _blocks(
    a: Samples,
    b: Samples,
    edge: int,
    ends: tuple[int, int],
    own: Sequence[bool],
    *,
    begins: int,
) -> Iterator[Heard]:
    for number, kept in enumerate(own):
        start = number * BLOCK
        common = min(*ends, start + BLOCK)
        # Containers round a track's end; half a block more or less is no stretch of its own.
        if common - start < BLOCK // 2 and max(ends) - start > BLOCK // 2:
            yield Heard(Kind.REMOVED if ends[0] > ends[1] else Kind.ADDED, None)
            continue
        inside = slice(edge + start, edge + max(common, start + 1))
        if np.array_equal(a[:, inside], b[:, inside]):
            yield Heard(Kind.IDENTICAL if kept else Kind.EXACT, None)
            continue
        around = slice(start, start + BLOCK + 2 * edge)
        db = _below(a[:, inside] - b[:, inside])
        if kept and (db >= SAME_PACKETS_DB or alike_bands(a[:, around], b[:, around])):
            yield Heard(Kind.IDENTICAL, None)
        else:
            alike = _alike(a[:, around], b[:, around], db, beginning=number < begins)
            yield Heard(Kind.NEAR if alike else Kind.CHANGED, db)


def _alike(a: Samples, b: Samples, db: float, *, beginning: bool) -> bool:
    """Return whether a stretch may be the other one encoded again."""
    signal = _below(a)
    if db >= _SILENT_DB or db - signal >= _CLEAR_DB:
        return True
    power = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    if power == 0 or float(np.sum(a * b, dtype=np.float64)) / power < _LIKENESS:
        return False
    return beginning or alike_bands(a, b)


def alike_bands(a: Samples, b: Samples) -> bool:
    """Return whether every loud band of the spectrum is as loud in both."""
    if not a.size:
        return True
    ours, theirs = _bands(a), _bands(b)
    loud = np.maximum(ours, theirs) > max(ours.max(), theirs.max()) - _BAND_FLOOR_DB
    return bool(np.all(np.abs(ours - theirs)[loud] <= _BAND_DB))


def _bands(samples: Samples) -> NDArray[np.float64]:
    """Return the level of each band of the spectrum in dB."""
    windowed = samples * np.hanning(samples.shape[1]).astype(np.float32)
    power = np.mean(np.abs(np.fft.rfft(windowed, axis=1)) ** 2, axis=0)
    edges = [min(edge, power.size - 1) for edge in _BANDS]
    sums = np.add.reduceat(power, edges)
    return 10 * np.log10(np.maximum(sums.astype(np.float64), 1e-12))


def delay(src: Path, theirs: AudioStream, out: Path, ours: AudioStream) -> int:
    """Return the samples by which the output's track is late against its source, in the beginning.

    It is 0 unless another delay, of at most an eighth of a second, fits clearly better.
    """
    rate = theirs.sample_rate
    count = min(int(theirs.duration * rate), _LISTEN_S * rate)
    if count < BLOCK:
        return 0
    shift = sample_at(theirs.start - ours.start, rate)
    a = Reader(src, theirs).read(0, count)
    b = Reader(out, ours).read(shift, shift + count)
    return best_lag(a, b, int(_LAG_S * rate))


def best_lag(a: Samples, b: Samples, reach: int) -> int:
    """Return the samples by which `b` is late against `a`, at most `reach` either way.

    It is 0 unless another lag fits clearly better.
    """
    one, other = a.sum(axis=0), b.sum(axis=0)
    reach = min(reach, one.size // 2)
    if reach < 1:
        return 0
    size = 1 << (2 * one.size - 1).bit_length()
    likeness = np.fft.irfft(np.conj(np.fft.rfft(one, size)) * np.fft.rfft(other, size), size)
    lags = np.concatenate([likeness[-reach:], likeness[: reach + 1]])
    best = int(np.argmax(lags)) - reach
    scale = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return best if scale and (lags.max() - likeness[0]) / scale > _CLEARLY else 0


def _below(samples: Samples) -> float:
    """Return how far the effective value lies below full scale, in dB; 200 for nothing at all."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if samples.size else 0.0
    return min(-10 * float(np.log10(power)), 200.0) if power else 200.0
