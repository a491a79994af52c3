"""Where the matrix puts its sections, and which of them the short run takes."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from retake.core.request import Mode
from tests.matrix.sources import GOP


@dataclass(frozen=True)
class Place:
    """A section: its first frame and the one behind its last; below 1 they count from the end."""

    name: str
    first: int
    last: int
    mode: Mode = Mode.AUDIO_AND_VIDEO


PLACES = (
    Place("middle", 14, 20),
    Place("start", 0, 7),
    Place("end", -7, 0),
    Place("one frame's margin", 1, -1),
    Place("whole", 0, 0),
    Place("one frame", 13, 14),
    Place("a GOP", GOP, -1),
    Place("sound alone", 5, 20, Mode.AUDIO),
    Place("pictures alone", 6, 15, Mode.VIDEO),
    Place("sound to the end", -9, 0, Mode.AUDIO),
)


def short(row: str) -> tuple[Place, ...]:
    """Return the places that the short run takes for a row: the middle, and one by its name."""
    return PLACES[0], PLACES[1 + crc32(row.encode()) % (len(PLACES) - 1)]
