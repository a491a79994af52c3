"""How to encode VP9 and VP8."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from retake.core.source import VideoStream
from retake.media.pictures.recipe import DEFAULT_CRF, Recipe

VP9_FORMATS = frozenset({"yuv420p", "yuv422p", "yuv440p", "yuv444p", "gbrp"})
VP8_FORMATS = frozenset({"yuv420p"})

# Frames that are not shown would break the one packet for every frame.
_ONE_PACKET = {"auto-alt-ref": "0", "lag-in-frames": "0"}
_CRF_RANGE = range(4, 33)
_FINER = 5
# libvpx's scale of 64 steps over the quantiser indices of the bitstream.
_STEP = {"vp9": 4.0, "vp8": 2.0}
# Measured at 720p: pictures of x264 at CRF 16 and of libvpx at 20 (VP9) and 14 (VP8) are equally
# like their source, 45.4 dB.
_ABOVE_X264 = {"vp9": 4, "vp8": -2}


def quality(codec: str, quantisers: Sequence[int]) -> int:
    """Return the CRF at which pictures are no coarser than a stream's own.

    Args:
        codec: ``vp9`` or ``vp8``.
        quantisers: Base quantiser indices of the stream's shown pictures.
    """
    if not quantisers:
        return DEFAULT_CRF
    own = round(median(quantisers) / _STEP[codec])
    return min(max(own - _FINER, _CRF_RANGE[0]), _CRF_RANGE[-1])


def on_x264s_scale(codec: str, crf: int) -> int:
    """Return the CRF at which x264 makes pictures as like as libvpx does at `crf`."""
    return max(crf - _ABOVE_X264[codec], 0)


def section(video: VideoStream, *, crf: int) -> Recipe:
    """Return how to encode pictures that go between a VP9 or VP8 stream's own.

    Args:
        video: The source's stream.
        crf: See `quality`.
    """
    return _recipe(video.codec, video.pix_fmt, crf)


def lossless(video: VideoStream) -> Recipe:
    """Return how to encode VP9 without loss."""
    # Measured at 720p: 28 ms a picture and 160 KiB, against 145 ms and 145 KiB with deadline
    # "good", or 28 ms and 216 KiB at speed 8.
    options = {"deadline": "realtime", "cpu-used": "6", "lossless": "1", "row-mt": "1"}
    return Recipe("vp9", "libvpx-vp9", video.pix_fmt, options | _ONE_PACKET)


def finest_vp8(video: VideoStream) -> Recipe:
    """Return how to encode VP8 as finely as it can; it has no way to lose nothing."""
    options = {"deadline": "good", "cpu-used": "5", "qmin": "0", "qmax": "0", "b": "400M"}
    return Recipe("vp8", "libvpx", video.pix_fmt, options | _ONE_PACKET)


def whole(codec: str, pix_fmt: str, *, crf: int) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`)."""
    return _recipe(codec, pix_fmt, max(crf + _ABOVE_X264[codec], _CRF_RANGE[0]))


def _recipe(codec: str, pix_fmt: str, crf: int) -> Recipe:
    options = {"cpu-used": "5", "crf": str(crf)} | _ONE_PACKET
    if codec == "vp9":
        # Measured at 720p: a quarter of the time of deadline "good", half a dB more for 20 % more
        # bytes.
        options |= {"deadline": "realtime", "row-mt": "1", "b": "0"}
        return Recipe(codec, "libvpx-vp9", pix_fmt, options)
    # In real time VP8's encoder goes by the clock: other bytes on every run. Without a lower bound
    # it spends all of the bit rate, which has to be high or it would fall short.
    options |= {"deadline": "good", "qmin": str(crf), "b": "40M"}
    return Recipe(codec, "libvpx", pix_fmt, options)
