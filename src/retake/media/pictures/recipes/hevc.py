"""How to encode HEVC: between packets of another encoder, without loss, or whole streams."""

from __future__ import annotations

from collections.abc import Sequence

from retake.core.source import VideoStream
from retake.media.pictures.recipe import Recipe, section_quantiser
from retake.media.pictures.recipes import avc

FORMATS = avc.FORMATS | {f"{shape}12le" for shape in avc.SHAPES}

PRESET = "superfast"
_PLAIN = "log-level=none:info=0:open-gop=0:hrd=0:aud=0"
# Every keyframe carries its sets: that is how they get into the file at each switch.
_REPEATED = f"{_PLAIN}:repeat-headers=1"

# x265's rate factor comes out as a quantiser about 5 above it (measured at 14 to 30 on film and on
# animation, medium and superfast).
_ABOVE_FACTOR = 4

# Sections: see docs/decisions/0009. Where blocks have quantisers of their own, most are finer than
# what the slice tells: what later pictures lean on, and what is flat.
_QUICKEST = "ultrafast"
_FINER, _FINER_THAN_SLICES = 3, 7


def section(
    video: VideoStream,
    *,
    quantisers: Sequence[int],
    adaptive: bool,
    reorder: int,
    chroma_place: int | None,
) -> Recipe:
    """Return how to encode pictures that go between an HEVC stream's own.

    Args:
        video: The source's stream.
        quantisers: Those of its own pictures.
        adaptive: Whether blocks of them may have others.
        reorder: Pictures by which the source's decoding order may precede its display order.
        chroma_place: Where its chroma samples lie, as its sequence parameter set has it.
    """
    quantiser = section_quantiser(quantisers, _FINER_THAN_SLICES if adaptive else _FINER)
    parameters = f"{_REPEATED}:qp={quantiser}{_placed(chroma_place)}"
    return _ordered(video.pix_fmt, _QUICKEST, parameters, reorder)


def lossless(video: VideoStream, *, reorder: int, chroma_place: int | None) -> Recipe:
    """Return how to encode without loss; see `section`."""
    # With blocks of one size: two thirds of the time for 7 to 14 % more bytes.
    parameters = f"{_REPEATED}:lossless=1:ctu=32:min-cu-size=32{_placed(chroma_place)}"
    return _ordered(video.pix_fmt, _QUICKEST, parameters, reorder)


def whole(pix_fmt: str, *, crf: int, reorder: int, tag: str | None) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`); `crf` is on x264's scale."""
    own = tag if tag in {"hvc1", "hev1"} else "hvc1"
    factor = max(crf - _ABOVE_FACTOR, 1)
    return _ordered(pix_fmt, PRESET, f"{_PLAIN}:repeat-headers=0:crf={factor}", reorder, own)


def _ordered(
    pix_fmt: str, preset: str, parameters: str, reorder: int, tag: str | None = None
) -> Recipe:
    b_frames = 0 if reorder < 1 else 3
    pyramid = f":b-pyramid={int(reorder > 1)}:bframes={b_frames}"
    options = {"preset": preset, "x265-params": parameters + pyramid}
    return Recipe("hevc", "libx265", pix_fmt, options, b_frames, tag=tag)


def _placed(chroma_place: int | None) -> str:
    return "" if chroma_place is None else f":chromaloc={chroma_place}"
