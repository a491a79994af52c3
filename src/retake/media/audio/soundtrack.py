"""A whole new AAC track, as a small MP4 of its own that `mp4.graft` takes it from."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from retake.core import timing
from retake.core.source import AudioStream, Source
from retake.core.watch import Watch
from retake.media.audio import aac
from retake.media.audio.frames import packed_frames
from retake.media.mp4.boxes import read_moov
from retake.media.mp4.edits import NewTrack
from retake.media.mp4.tables import Track
from retake.media.sound import read_sound, sample_at

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


def full_sound(
    path: Path, audio: AudioStream, start: Fraction, samples: NDArray[np.float32]
) -> tuple[Fraction, NDArray[np.float32]]:
    """Return a track's sound with the section's in it, and when it begins.

    Args:
        path: The source.
        audio: The track.
        start: When the section begins, in seconds from the first frame's appearance.
        samples: The section's sound at the track's rate.

    Returns:
        Seconds from the first frame's appearance, and ``[channels, n]``.
    """
    at = sample_at(audio, start)
    begin = min(at, 0)
    end = max(at + samples.shape[1], round(audio.duration * audio.sample_rate))
    first = audio.start + Fraction(begin, audio.sample_rate)
    sound = read_sound(path, audio, first, audio.start + Fraction(end, audio.sample_rate))
    sound[:, at - begin : at - begin + samples.shape[1]] = samples
    return first, sound


def silence_around(
    source: Source, start: Fraction, samples: NDArray[np.float32], rate: int
) -> NDArray[np.float32]:
    """Return the sound of a whole clip that is silent outside the section."""
    total = round(source.video.duration * rate)
    # The steps cut the take at this very sample.
    at = timing.sample_at(start, rate)
    sound = np.zeros((samples.shape[0], max(total, at + samples.shape[1])), np.float32)
    sound[:, at : at + samples.shape[1]] = samples
    return sound


def write_track(
    file: BinaryIO,
    sound: NDArray[np.float32],
    rate: int,
    begins: Fraction,
    *,
    bits: int | None,
    movie_timescale: int,
    replaces: int | None,
    watch: Watch,
) -> NewTrack:
    """Encode sound as AAC into an MP4 of its own.

    Args:
        file: An empty file to write to; it holds the track's samples afterwards.
        sound: ``[channels, n]``.
        rate: Samples a second.
        begins: When its first sample sounds, in seconds of the container's clock.
        bits: The source's bit rate, if it had sound.
        movie_timescale: Of the movie that the track will go into.
        replaces: Id of the track in whose place it comes.
        watch: Asked for a wish to cancel.
    """
    options = {"movie_timescale": str(movie_timescale)}
    with av.open(file, "w", format="mp4", container_options=options) as out:
        stream = add_sound(out, sound.shape[0], rate, bits)
        for packet in encoded_sound(stream, sound, begins, watch):
            out.mux(packet)
    size = file.seek(0, 2)
    moov, _ = read_moov(file, size)
    return NewTrack(file, Track(moov.get(b"trak")), replaces)


def add_sound(out: Any, channels: int, rate: int, bits: int | None) -> Any:
    """Return a new AAC stream of an output container."""
    coded_rate = rate if rate in _RATES else 48000
    stream = out.add_stream("aac", rate=coded_rate)
    stream.codec_context.layout = _LAYOUTS.get(channels, "stereo")
    stream.codec_context.format = "fltp"
    stream.codec_context.bit_rate = aac.bit_rate(channels, coded_rate, bits)
    return stream


def encoded_sound(stream: Any, sound: NDArray[np.float32], begins: Fraction, watch: Watch) -> Any:
    """Yield the packets of sound that begins at a moment of the container's clock."""
    coder = stream.codec_context
    rate, layout = coder.sample_rate, coder.layout.name
    offset = round(begins * rate)
    skipped = max(-offset, 0)
    for frame in packed_frames(sound[:, skipped:], "flt", rate, layout, aac.FRAME):
        watch.check()
        frame.pts += offset + skipped
        yield from stream.encode(frame)
    yield from stream.encode(None)
