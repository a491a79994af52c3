"""A whole new track, as a small MP4 of its own that `mp4.graft` takes it from."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from retake.core import timing
from retake.core.errors import RenderFailed
from retake.core.source import AudioStream, Source
from retake.core.watch import Watch
from retake.media.mp4.boxes import read_moov
from retake.media.mp4.edits import NewTrack
from retake.media.mp4.tables import Track
from retake.media.muxing.contents import EncodedSound
from retake.media.muxing.sound import add_track, encoded
from retake.media.placed import Sounds
from retake.media.sound import read_sound, sample_at


def full_sound(
    path: Path, audio: AudioStream, sounds: Sounds
) -> tuple[Fraction, NDArray[np.float32]]:
    """Return a track's sound with new sounds in it, and when it begins.

    Args:
        path: The source.
        audio: The track.
        sounds: The new ones, at the track's rate.

    Returns:
        Seconds from the first frame's appearance, and ``[channels, n]``.
    """
    placed = [(sample_at(audio, start), samples) for start, samples in sounds]
    begin = min((at for at, _ in placed), default=0)
    begin = min(begin, 0)
    end = max((at + samples.shape[1] for at, samples in placed), default=0)
    end = max(end, round(audio.duration * audio.sample_rate))
    first = audio.start + Fraction(begin, audio.sample_rate)
    sound = read_sound(path, audio, first, audio.start + Fraction(end, audio.sample_rate))
    for at, samples in placed:
        sound[:, at - begin : at - begin + samples.shape[1]] = samples
    return first, sound


def silence_around(source: Source, sounds: Sounds, rate: int) -> NDArray[np.float32]:
    """Return the sound of a whole clip that is silent outside the new sounds, one at least."""
    # The steps cut the takes at these very samples.
    placed = [(timing.sample_at(start, rate), samples) for start, samples in sounds]
    total = max(at + samples.shape[1] for at, samples in placed)
    total = max(total, round(source.video.duration * rate))
    sound = np.zeros((placed[0][1].shape[0], total), np.float32)
    for at, samples in placed:
        sound[:, at : at + samples.shape[1]] = samples
    return sound


def write_track(
    file: BinaryIO,
    new: EncodedSound,
    begins: Fraction,
    *,
    muxer: str,
    movie_timescale: int,
    replaces: int | None,
    watch: Watch,
) -> NewTrack:
    """Encode sound into an MP4 or MOV of its own.

    Args:
        file: An empty file to write to; it holds the track's samples afterwards.
        new: The sound.
        begins: When its first sample sounds, in seconds of the container's clock.
        muxer: ``mp4`` or ``mov``.
        movie_timescale: Of the movie that the track will go into.
        replaces: Id of the track in whose place it comes.
        watch: Asked for a wish to cancel.

    Raises:
        RenderFailed: `not_muxed`: its channels or rate cannot be encoded.
    """
    options = {"movie_timescale": str(movie_timescale)}
    try:
        with av.open(file, "w", format=muxer, container_options=options) as out:
            stream = add_track(
                out,
                new.codec,
                new.samples.shape[0],
                new.rate,
                new.layout,
                new.bits,
                new.depth,
            )
            for _, packet in encoded(stream, new.samples, new.rate, begins, watch):
                out.mux(packet)
    except ValueError as error:  # FFmpeg's own argument errors are ValueErrors, too
        raise RenderFailed("not_muxed", f"the sound cannot be encoded: {error}") from error
    size = file.seek(0, 2)
    moov, _ = read_moov(file, size)
    return NewTrack(file, Track(moov.get(b"trak")), replaces)
