"""Takes in their places: which section each replaces, and what of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.errors import RenderFailed
from retake.core.request import Mode
from retake.core.section import Section
from retake.core.source import AudioStream, Source
from retake.media.decode import decode_frames
from retake.media.fields import dressed
from retake.media.sound import sample_at
from retake.media.take import TakeFiles, read_sound_file, read_take


@dataclass(frozen=True, slots=True)
class Placed:
    """One section and its take.

    Attributes:
        section: What the take replaces.
        mode: Whether pictures, sound or both are replaced.
        take: The take.
    """

    section: Section
    mode: Mode
    take: TakeFiles

    @property
    def new_pictures(self) -> bool:
        """Whether the section's pictures are replaced."""
        return self.mode.replaces_video

    @property
    def new_sound(self) -> bool:
        """Whether the section's sound is replaced."""
        return self.mode.replaces_audio and self.take.sound is not None

    def pictures(self, src: Path, source: Source) -> Iterator[av.VideoFrame]:
        """Start reading the take's pictures.

        Raises:
            RenderFailed: `take_missing`: the take has none.
        """
        if self.take.video is None:
            raise RenderFailed("take_missing", "the take has no pictures to put in")
        taken = read_take(self.take.video)
        if not source.video.interlaced:
            return taken
        frames = self.section.frames
        return dressed(taken, decode_frames(src, source, frames.start, frames.end))

    def sound(self, audio: AudioStream | None) -> tuple[NDArray[np.float32], int]:
        """Return the take's sound and its rate: for a track, exactly the section's samples.

        Raises:
            RenderFailed: `take_missing` or `take_mismatch`.
        """
        if self.take.sound is None:
            raise RenderFailed("take_missing", "the take has no sound to put in")
        samples, rate = read_sound_file(self.take.sound)
        if audio is None:
            return samples, rate
        if (rate, samples.shape[0]) != (audio.sample_rate, audio.channels):
            raise RenderFailed(
                "take_mismatch",
                f"the take's sound has {samples.shape[0]} channels at {rate} Hz; the track has "
                f"{audio.channels} at {audio.sample_rate} Hz",
            )
        count = sample_at(audio, self.section.end) - sample_at(audio, self.section.start)
        exact = np.zeros((samples.shape[0], count), np.float32)
        given = min(count, samples.shape[1])
        exact[:, :given] = samples[:, :given]
        return exact, rate


Sounds = Sequence[tuple[Fraction, NDArray[np.float32]]]
"""When each new sound begins, in seconds from the first frame's appearance, and its samples."""
