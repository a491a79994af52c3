"""New sound in a PCM track: the section's samples are overwritten, every other byte stays."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.frames import default_layout, packed_frames
from retake.media.audio.lossless import packets_at, quantised
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import packet_bytes, read_timeline
from retake.media.unspliceable import Unspliceable

_INTEGERS = {
    "pcm_s16le": "<i2",
    "pcm_s16be": ">i2",
    "pcm_s24le": "<i4",
    "pcm_s24be": ">i4",
    "pcm_s32le": "<i4",
    "pcm_s32be": ">i4",
    "pcm_s8": "i1",
    "pcm_u8": "u1",
}
_LAWS = frozenset({"pcm_alaw", "pcm_mulaw"})
_ANY_RATE = 48000
_FLOATS = {"pcm_f32le": "<f4", "pcm_f32be": ">f4", "pcm_f64le": "<f8", "pcm_f64be": ">f8"}


def splice_pcm(
    path: Path, audio: AudioStream, start: Fraction, samples: NDArray[np.float32]
) -> SplicedSound:
    """Return the track with new sound in it; arguments as of `splice.splice_sound`.

    Raises:
        Unspliceable: It is not linear PCM, or does not reach over the section.
    """
    width = len(encode_pcm(audio.codec, samples[:, :1]))
    line = read_timeline(path, audio, lambda packet: _whole(len(packet), width))
    place = line.place(audio, start, samples)
    hit = packets_at(line, place)
    first, last = hit.start, hit.stop
    old = bytearray(b"".join(packet_bytes(path, audio.index, first, last).values()))
    at = (place.first - line.starts[first]) * width
    new = encode_pcm(audio.codec, place.samples)
    old[at : at + len(new)] = new
    cuts = [(line.starts[n] - line.starts[first]) * width for n in hit]
    data = [bytes(old[a:b]) for a, b in zip(cuts, [*cuts[1:], len(old)], strict=True)]
    return SplicedSound(line.packets, first, tuple(data), place.samples.shape[1], exact=True)


def _whole(size: int, width: int) -> int:
    if size % width:
        raise Unspliceable("its samples are not laid out one by one")
    return size // width


def encode_pcm(codec: str, samples: NDArray[np.float32]) -> bytes:
    """Return samples ``[channels, n]`` in one of FFmpeg's interleaved PCM formats.

    Raises:
        Unspliceable: The format is none that is known.
    """
    columns = samples.T.astype(np.float64)
    if codec in _FLOATS:
        return columns.astype(_FLOATS[codec]).tobytes()
    if codec in _LAWS:
        return _by_law(codec, samples)
    if codec not in _INTEGERS:
        raise Unspliceable(f"{codec} sound cannot be spliced")
    bits = int(re.sub(r"\D", "", codec))
    scale = 2.0 ** (bits - 1)
    values = np.clip(np.rint(columns * scale), -scale, scale - 1)
    if codec == "pcm_u8":
        return (values + scale).astype(np.uint8).tobytes()
    values = values.astype(_INTEGERS[codec])
    if bits != 24:
        return values.tobytes()
    # Three of the four bytes: the low ones, wherever they stand.
    quads = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4)
    return (quads[:, :3] if codec.endswith("le") else quads[:, 1:]).tobytes()


def _by_law(codec: str, samples: NDArray[np.float32]) -> bytes:
    """Return samples squeezed into bytes as telephones do (ITU-T G.711)."""
    coder: Any = av.CodecContext.create(codec, "w")
    layout = default_layout(samples.shape[0])
    coder.sample_rate, coder.layout, coder.format = _ANY_RATE, layout, "s16"
    whole = quantised(samples, 16, np.int16)
    frames = packed_frames(whole, "s16", _ANY_RATE, layout, max(samples.shape[1], 1))
    return b"".join(bytes(packet) for frame in frames for packet in coder.encode(frame))
