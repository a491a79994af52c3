"""Samples as FFmpeg's encoders take them: frames of one length, channels in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream

_BY_COUNT = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")


def layout_name(audio: AudioStream) -> str:
    """Return FFmpeg's name of a track's layout; its usual one where the track names none."""
    if "channels" in audio.layout and audio.channels <= len(_BY_COUNT):
        return default_layout(audio.channels)
    return audio.layout


def default_layout(channels: int) -> str:
    """Return FFmpeg's name of the usual layout of up to 8 channels."""
    return _BY_COUNT[channels - 1]


def packed_frames(
    samples: NDArray[Any], sample_format: str, rate: int, layout: str, length: int
) -> Iterator[av.AudioFrame]:
    """Yield samples ``[channels, n]`` as frames that count up from 0.

    Args:
        samples: In the sample format's own type.
        sample_format: FFmpeg's name of an interleaved one; PyAV turns it into what the encoder
            takes. Planar frames of eight channels cannot be made with it.
        rate: Samples a second.
        layout: FFmpeg's name of the channels' layout.
        length: Samples a frame; the last one may be shorter.
    """
    for start in range(0, samples.shape[1], length):
        block = np.ascontiguousarray(samples[:, start : start + length].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, sample_format, layout)
        frame.sample_rate, frame.pts = rate, start
        yield frame
