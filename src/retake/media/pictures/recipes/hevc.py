"""How to encode HEVC: between packets of another encoder, without loss, or whole streams."""

from __future__ import annotations

from collections.abc import Sequence

from retake.core.source import VideoStream
from retake.media.pictures.recipe import Recipe, quality
from retake.media.pictures.recipes import avc

FORMATS = avc.FORMATS | {f"{shape}12le" for shape in avc.SHAPES}

PRESET = "superfast"
_PLAIN = "log-level=none:info=0:open-gop=0:hrd=0:aud=0"
# Every keyframe carries its sets: that is how they get into the file at each switch.
_REPEATED = f"{_PLAIN}:repeat-headers=1"

# x265's rate factor comes out as a quantiser about 5 above it (measured at 14 to 30 on film and on
# animation, medium and superfast). The source's quantiser less 7 gives pictures of 42 to 46 dB
# against the source's own, in about as many bytes, and 1 to 1.5 dB below them against what the
# source was made from; less 3 would be 2.5 to 3 dB below.
_ABOVE_FACTOR = 4


def section(
    video: VideoStream, *, quantisers: Sequence[int], reorder: int, chroma_place: int | None
) -> Recipe:
    """Return how to encode pictures that go between an HEVC stream's own.

    Args:
        video: The source's stream.
        quantisers: Those of its own pictures.
        reorder: Pictures by which the source's decoding order may precede its display order.
        chroma_place: Where its chroma samples lie, as its sequence parameter set has it.
    """
    crf = quality([each - _ABOVE_FACTOR for each in quantisers])
    parameters = f"{_REPEATED}:crf={crf}{_placed(chroma_place)}"
    return _ordered(video.pix_fmt, parameters, reorder)


def lossless(video: VideoStream, *, chroma_place: int | None) -> Recipe:
    """Return how to encode without loss; see `section`."""
    # Measured at 1080p: 328 KiB a picture with B-frames, 266 without, 246 with smaller blocks,
    # 210 (and a tenth more time) with these, 256 at the next slower preset. Film is indifferent.
    parameters = f"{_REPEATED}:lossless=1:bframes=0:max-tu-size=8{_placed(chroma_place)}"
    options = {"preset": "ultrafast", "x265-params": parameters}
    return Recipe("hevc", "libx265", video.pix_fmt, options)


def whole(pix_fmt: str, *, crf: int, reorder: int, tag: str | None) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`); `crf` is on x264's scale."""
    own = tag if tag in {"hvc1", "hev1"} else "hvc1"
    factor = max(crf - _ABOVE_FACTOR, 1)
    return _ordered(pix_fmt, f"{_PLAIN}:repeat-headers=0:crf={factor}", reorder, own)


def _ordered(pix_fmt: str, parameters: str, reorder: int, tag: str | None = None) -> Recipe:
    b_frames = 0 if reorder < 1 else 3
    pyramid = f":b-pyramid={int(reorder > 1)}:bframes={b_frames}"
    options = {"preset": PRESET, "x265-params": parameters + pyramid}
    return Recipe("hevc", "libx265", pix_fmt, options, b_frames, tag=tag)


def _placed(chroma_place: int | None) -> str:
    return "" if chroma_place is None else f":chromaloc={chroma_place}"
