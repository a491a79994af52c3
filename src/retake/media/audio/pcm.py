"""New sound in a PCM track: the section's samples are overwritten, every other byte stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.mp4.tables import Track
from retake.media.packets import PacketInfo
from retake.media.sound import sample_at
from retake.media.unspliceable import Unspliceable

_INTEGERS = {
    "pcm_s16le": "<i2",
    "pcm_s16be": ">i2",
    "pcm_s24le": "<i4",
    "pcm_s24be": ">i4",
    "pcm_s32le": "<i4",
    "pcm_s32be": ">i4",
}
_FLOATS = {"pcm_f32le": "<f4", "pcm_f32be": ">f4", "pcm_f64le": "<f8", "pcm_f64be": ">f8"}


@dataclass(frozen=True, slots=True)
class Overwritten:
    """New bytes for a PCM track.

    Attributes:
        first: The first sample overwritten, in the track's own numbers.
        data: Their bytes.
        packets: Half-open range of the packets that hold them, as FFmpeg cuts the track up.
    """

    first: int
    data: bytes
    packets: tuple[int, int]


def overwrite(
    audio: AudioStream,
    track: Track,
    packets: Sequence[PacketInfo],
    video_start: Fraction,
    start: Fraction,
    samples: NDArray[np.float32],
) -> Overwritten:
    """Return the bytes that put new sound into a PCM track.

    Args:
        audio: The stream.
        track: Its tables.
        packets: Its packets.
        video_start: When the first frame is shown, in seconds of the container's clock.
        start: When the new sound begins, in seconds from the first frame's appearance.
        samples: The new sound ``[channels, n]`` at the track's own rate.

    Raises:
        Unspliceable: It is not plain PCM, or does not reach over the section.
    """
    data = encode_pcm(audio.codec, samples)
    width = len(data) // max(samples.shape[1], 1)
    if not track.count or not packets or (track.sizes != width).any():
        raise Unspliceable("its samples are not laid out one by one")
    heard = audio.start + video_start - packets[0].pts * audio.time_base
    priming = floor(heard * audio.sample_rate + Fraction(1, 2))
    origin = int(np.searchsorted(track.offsets, packets[0].pos))
    first = origin + priming + sample_at(audio, start)
    last = first + samples.shape[1]
    if first < 0 or last > track.count:
        raise Unspliceable("the sound is shorter than the section")
    low, high = int(track.offsets[first]), int(track.offsets[last - 1])
    hit = [n for n, p in enumerate(packets) if p.pos <= high and p.pos + p.size > low]
    return Overwritten(first, data, (hit[0], hit[-1] + 1))


def encode_pcm(codec: str, samples: NDArray[np.float32]) -> bytes:
    """Return samples ``[channels, n]`` in one of FFmpeg's interleaved PCM formats.

    Raises:
        Unspliceable: The format is none of the linear ones.
    """
    columns = samples.T.astype(np.float64)
    if codec in _FLOATS:
        return columns.astype(_FLOATS[codec]).tobytes()
    if codec not in _INTEGERS:
        raise Unspliceable(f"{codec} sound cannot be spliced")
    bits = int(codec[5:7])
    scale = 2.0 ** (bits - 1)
    values = np.clip(np.rint(columns * scale), -scale, scale - 1).astype(_INTEGERS[codec])
    if bits != 24:
        return values.tobytes()
    # Three of the four bytes: the low ones, wherever they stand.
    quads = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4)
    return (quads[:, :3] if codec.endswith("le") else quads[:, 1:]).tobytes()
