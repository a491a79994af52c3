"""How to encode: which encoder, what it is given, its options. `recipes` holds them by codec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

DEFAULT_CRF = 16
_FINER = 3
_CRF_RANGE = range(4, 23)
_DEFAULT_QUANTISER = 20
_QUANTISER_RANGE = range(4, 29)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of one encoder.

    Attributes:
        codec: FFmpeg's name of the format, such as ``h264``.
        encoder: FFmpeg's name of the encoder, such as ``libx264``.
        pix_fmt: What it is given.
        options: Its own options.
        b_frames: Most B-frames in a row.
        gop: Most frames from one keyframe to the next.
        tag: Four letters of the sample entry; None for the container's own choice.
    """

    codec: str
    encoder: str
    pix_fmt: str
    options: dict[str, str]
    b_frames: int = 0
    gop: int = 250
    tag: str | None = None


def quality(quantisers: Sequence[int]) -> int:
    """Return the CRF at which a stream's pictures are encoded again without a visible loss.

    Args:
        quantisers: Those of the stream's own pictures; a finer one is chosen, because a second
            generation adds its error to the first one's. Bounded both ways: a coarse source does
            not make a new section coarse, a nearly lossless one does not make it enormous.
    """
    if not quantisers:
        return DEFAULT_CRF
    return min(max(round(median(quantisers)) - _FINER, _CRF_RANGE[0]), _CRF_RANGE[-1])


def section_quantiser(quantisers: Sequence[int], finer: int = _FINER) -> int:
    """Return the quantiser of the predicted pictures of a section of H.264 or HEVC.

    One for all blocks of a picture: measured on film, animation and noise, it keeps a section at
    its neighbours' quality, which rate factors miss by up to 2 dB either way
    (docs/decisions/0009), and takes a third of the time or less.

    Args:
        quantisers: Those of the stream's own predicted pictures.
        finer: By how much the section is, see `quality`.
    """
    if not quantisers:
        return _DEFAULT_QUANTISER
    wanted = round(median(quantisers)) - finer
    return min(max(wanted, _QUANTISER_RANGE[0]), _QUANTISER_RANGE[-1])
