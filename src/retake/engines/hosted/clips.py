"""What the engine needs of somebody who knows video files; bootstrap passes it in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from retake.core.source import Colour
from retake.engines.engine import Frame, Sound


@dataclass(frozen=True, slots=True)
class Sent:
    """A clip to be written.

    Attributes:
        frames: Its pictures.
        times: When each of them appears, in seconds; the first one at 0.
        frame_rate: Average frames a second.
        width, height: Of a picture.
        colour: Colour tags.
        sound: Its sound from 0 on, mono or stereo; None without any.
    """

    frames: Iterator[Frame]
    times: Sequence[Fraction]
    frame_rate: Fraction
    width: int
    height: int
    colour: Colour
    sound: Sound | None


class Received(Protocol):
    """A clip that came back."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures, upright."""
        ...

    @property
    def duration(self) -> Fraction:
        """Seconds from its first frame's appearance to its last one's end."""
        ...

    @property
    def colour(self) -> Colour:
        """Its colour tags."""
        ...

    def frames_at(
        self, times: Sequence[Fraction], width: int, height: int, *, deep: bool
    ) -> Iterator[Frame]:
        """Yield, for each of the ascending `times`, the frame nearest to it, scaled to that size.

        uint16 where `deep`, else uint8. Times are in seconds from the first frame's appearance.
        """
        ...

    def sound(self, start: Fraction, end: Fraction) -> Sound | None:
        """Return the sound of [start, end); None when it has none."""
        ...


class Clips(Protocol):
    """Writes clips and looks into them."""

    def write(self, path: Path, sent: Sent) -> None:
        """Write a clip that every server of this API understands; `path` appears whole."""
        ...

    def open(self, path: Path) -> Received:
        """Look into a clip that a stranger made.

        Raises:
            BadSource: It is no video, damaged, or larger than is accepted.
        """
        ...
