"""How to encode AV1."""

from __future__ import annotations

import os
from collections.abc import Sequence
from statistics import median

from retake.core.source import VideoStream
from retake.media.pictures.recipe import DEFAULT_CRF, Recipe

FORMATS = frozenset({"yuv420p", "yuv420p10le"})

# SVT-AV1 writes its settings to stderr unless it is told to write errors only.
os.environ.setdefault("SVT_LOG", "1")

_CRF_RANGE = range(8, 41)
_FINER = 4
_STEP = 4.0
# Measured at 720p: SVT-AV1 at CRF 24 comes to what x264 has at 20, 42.8 dB.
_ABOVE_X264 = 4
# Those of annex A, 2.0 to 6.3; SVT-AV1 takes no others.
_LEVELS = frozenset({0, 1, 4, 5, 8, 9, *range(12, 20)})

# Measured on two cores: a picture of a megapixel takes 130 ms without loss, a twelfth of that in a
# full re-encode. The second figure is ten seconds' worth.
_LOSSLESS_COST = 12
_LOSSLESS_PIXELS = 75_000_000

# Groups of eight pictures, and none waiting to be looked at, keep a 4K encoder below 900 MB
# instead of 1400, for 8 % more bytes.
_SMALL = "hierarchical-levels=3"
_SMALLER = f"{_SMALL}:lookahead=0"


def quality(quantisers: Sequence[int]) -> int:
    """Return the CRF at which pictures are no coarser than a stream's own.

    Args:
        quantisers: Base quantiser indices of the stream's shown pictures.
    """
    if not quantisers:
        return DEFAULT_CRF + _ABOVE_X264
    own = round(median(quantisers) / _STEP)
    return min(max(own - _FINER, _CRF_RANGE[0]), _CRF_RANGE[-1])


def on_x264s_scale(crf: int) -> int:
    """Return the CRF at which x264 makes pictures as like as SVT-AV1 does at `crf`."""
    return crf - _ABOVE_X264


def affords_lossless(video: VideoStream, pads: int, section: int) -> bool:
    """Return whether pads are encoded without loss.

    They are where that takes ten seconds at most, or no longer than encoding the whole stream
    anew. 10-bit pictures never are: SVT-AV1 4.1 loses something in all but their key frames.

    Args:
        video: The source's stream.
        pads: How many frames.
        section: How many frames are new.
    """
    cheap = pads * video.width * video.height <= _LOSSLESS_PIXELS
    quicker = pads * _LOSSLESS_COST + section <= len(video.pts)
    return video.bit_depth == 8 and (cheap or quicker)


def section(video: VideoStream, *, crf: int, level: int) -> Recipe:
    """Return how to encode pictures that go between an AV1 stream's own.

    Args:
        video: The source's stream.
        crf: See `quality`.
        level: The source's seq_level_idx.
    """
    return _recipe(video.pix_fmt, "8", str(crf), _SMALLER + _limits(level))


def lossless(video: VideoStream, *, level: int) -> Recipe:
    """Return how to encode pictures of 8 bits without loss; see `section`."""
    # SVT-AV1 4.1 decodes to something else from preset 11 on.
    return _recipe(video.pix_fmt, "10", None, f"lossless=1:{_SMALL}{_limits(level)}")


def fine(video: VideoStream, *, level: int) -> Recipe:
    """Return how to encode pictures so that they come to 50 dB or more; see `section`."""
    # Quicker presets stay below 49 dB at any quality: 48 of 8 bits, 45 of 10.
    parameters = f"enable-tf=0:aq-mode=0:{_SMALLER}{_limits(level)}"
    return _recipe(video.pix_fmt, "6", "4", parameters)


def whole(pix_fmt: str, *, crf: int) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`)."""
    return _recipe(pix_fmt, "9", str(crf + _ABOVE_X264), _SMALLER)


def _limits(level: int) -> str:
    """Return the parameter that keeps a stream's level; without it, its size and rate decide."""
    return f":level={20 + 10 * (level >> 2) + (level & 3)}" if level in _LEVELS else ""


def _recipe(pix_fmt: str, preset: str, crf: str | None, parameters: str) -> Recipe:
    options = {"preset": preset, "svtav1-params": parameters}
    if crf is not None:
        options["crf"] = crf
    return Recipe("av1", "libsvtav1", pix_fmt, options)
