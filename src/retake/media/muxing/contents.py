"""What a new file is to hold: streams that are spliced or encoded anew; all others are copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from retake.media.audio.spliced import SplicedSound
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.spliced import Spliced


@dataclass(frozen=True, slots=True)
class EncodedPictures:
    """Pictures to encode.

    Attributes:
        recipe: How.
        frames: Every one of them, in display order.
        said: Closed captions by the number of their picture; filled as the frames are read.
    """

    recipe: Recipe
    frames: Iterator[av.VideoFrame]
    said: Mapping[int, bytes] = field(default_factory=dict[int, bytes])


@dataclass(frozen=True, slots=True)
class SplicedPictures:
    """Pictures that were spliced, and where the new packets' bytes lie."""

    done: Spliced
    spool: BinaryIO


@dataclass(frozen=True, slots=True)
class EncodedSound:
    """Sound to encode.

    Attributes:
        codec: As what; one that `sound.can_encode` knows.
        samples: ``[channels, n]``.
        rate: Samples a second.
        begins: When its first sample sounds, in seconds from the first frame's appearance.
        layout: FFmpeg's name of the channels' places; None for the usual one.
        bits: The source's bit rate, if it had sound.
        depth: Bits of a sample that count.
    """

    codec: str
    samples: NDArray[np.float32]
    rate: int
    begins: Fraction
    layout: str | None = None
    bits: int | None = None
    depth: int = 24


Pictures = EncodedPictures | SplicedPictures | None
Sound = EncodedSound | SplicedSound | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What of a source's streams is new in a file.

    Attributes:
        pictures: What replaces the pictures; None copies them.
        sound: What replaces the first track of sound, or comes where there is none; None copies it.
        others: Further tracks of sound that are encoded anew, by their streams' indices.
    """

    pictures: Pictures = None
    sound: Sound = None
    others: Mapping[int, EncodedSound] = field(default_factory=dict[int, EncodedSound])
