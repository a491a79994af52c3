"""What comparing two files found: every picture and every moment of sound, one by one.

Times are seconds on the source's clock, on which the first frame appears at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Kind(StrEnum):
    """What became of one picture, or of one short stretch of sound."""

    IDENTICAL = "identical"
    """Its compressed packet is the source's own, byte for byte."""
    EXACT = "exact"
    """Other packets, which decode to the very same samples."""
    NEAR = "near"
    """Encoded again: the same content, with small differences everywhere."""
    CHANGED = "changed"
    """Something else is seen or heard."""
    ADDED = "added"
    """The source has nothing there."""
    REMOVED = "removed"
    """Only the source has it."""


KEPT = frozenset({Kind.IDENTICAL, Kind.EXACT})
"""Kinds that lose nothing."""


@dataclass(frozen=True)
class Strip:
    """One stream of pictures or sound, unit by unit along the time.

    Attributes:
        medium: ``video`` or ``audio``.
        number: Which of its kind it is in the source, from 1.
        name: What people call it: its language or title; empty when it has none.
        codecs: FFmpeg's codec names in the source and in the output.
        kinds: What became of each unit: a frame, or a block of samples.
        levels: Likeness of each in dB where it was measured and is not exact: for pictures the
            PSNR, for sound how far the difference lies below full scale (a positive number).
        starts: When each unit begins, ascending, and when the last one ends.
        packets: Packets of the source, of the output, and those that are the same in both.
        moved: Units whose moment in the output differs from the source's.
        furthest: The largest of these differences, in seconds.
    """

    medium: str
    number: int
    name: str
    codecs: tuple[str, str]
    kinds: tuple[Kind, ...]
    levels: tuple[float | None, ...]
    starts: tuple[Fraction, ...]
    packets: tuple[int, int, int]
    moved: int = 0
    furthest: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Fact:
    """One property of both files, such as the frame rate; told in words.

    `weighs` says whether a difference in it loses something that can be seen or heard.
    """

    about: str
    before: str
    after: str
    weighs: bool = False

    @property
    def same(self) -> bool:
        """Whether both files agree."""
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One of the files as a whole: its name, its SHA-256 in hexadecimal, its length in bytes."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Proof:
    """Everything that comparing two files found.

    Attributes:
        source, output: The two files.
        strips: Pictures first, then every track of sound that both files have.
        facts: Properties of both, equal ones too.
        stills: Small pictures for people to look at.
        duration: Seconds that the source's pictures last.
        decoded_all: Whether every picture was decoded, even where packets are the same.
    """

    source: FileFacts
    output: FileFacts
    strips: tuple[Strip, ...]
    facts: tuple[Fact, ...]
    duration: Fraction
    decoded_all: bool = False
    stills: tuple[Still, ...] = ()


@dataclass(frozen=True, slots=True)
class Still:
    """One small picture of both files at the same moment, as PNG in base64; empty where none is."""

    time: Fraction
    before: str
    after: str
