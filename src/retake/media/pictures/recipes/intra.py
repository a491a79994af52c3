"""How to encode with codecs whose pictures stand alone: ProRes, DNxHD, JPEG, and lossless ones."""

from __future__ import annotations

from collections.abc import Mapping

import av

from retake.core.source import VideoStream
from retake.media.bitstream.intra import ProresFrame
from retake.media.pictures.recipe import Recipe
from retake.media.unspliceable import Unspliceable

PRORES_FORMATS = {
    "yuv422p10le": "yuv422p10le",
    "yuv444p10le": "yuv444p10le",
    "yuv444p12le": "yuv444p10le",
    "yuva444p10le": "yuva444p10le",
    "yuva444p12le": "yuva444p10le",
}
"""What the encoder is given, by what FFmpeg decodes: 4444 is decoded with 12 bits and encoded
from 10, which quantisation does not tell apart."""
DNXHD_FORMATS = frozenset({"yuv422p", "yuv422p10le", "yuv444p10le", "gbrp10le"})
MJPEG_FORMATS = frozenset({f"yuv{j}{shape}p" for j in ("", "j") for shape in (420, 422, 444)})

_PRORES_TAGS = {"apco": "0", "apcs": "1", "apcn": "2", "apch": "3", "ap4h": "4", "ap4x": "5"}
_PRORES_PROFILES = {"Proxy": "0", "LT": "1", "Standard": "2", "HQ": "3", "4444": "4", "XQ": "5"}

_DNXHR = {
    1270: "dnxhr_444",
    1271: "dnxhr_hqx",
    1272: "dnxhr_hq",
    1273: "dnxhr_sq",
    1274: "dnxhr_lb",
}
# One rate in Mbit/s at which FFmpeg's encoder chooses each of ST 2019-1's progressive formats;
# its pictures have the one size that the format has, whatever the rate is called.
_DNXHD = {
    1235: "440M",
    1237: "290M",
    1238: "440M",
    1250: "220M",
    1251: "220M",
    1252: "145M",
    1253: "90M",
    1256: "880M",
    1258: "115M",
    1259: "110M",
}

# A gop of 1 keeps every picture a keyframe.
LOSSLESS: Mapping[str, tuple[str, dict[str, str]]] = {
    "ffvhuff": ("ffvhuff", {}),
    "huffyuv": ("huffyuv", {}),
    "magicyuv": ("magicyuv", {}),
    "png": ("png", {"pred": "mixed"}),
    "qtrle": ("qtrle", {}),
    "utvideo": ("utvideo", {}),
}

# The encoder scales one table; its 64 steps come to about this sum for each of its settings, and
# are rounded down.
_JPEG_SUM, _ROUNDED = 263, 17
_JPEG_SETTINGS = range(1, 9)


def whole_prores(pix_fmt: str, *, tag: str | None) -> Recipe:
    """Return how to encode a whole stream of ProRes anew (see `recipes.whole`)."""
    options = {"profile": _PRORES_TAGS.get(tag or "", "3"), "vendor": "apl0"}
    return Recipe("prores", "prores_ks", PRORES_FORMATS[pix_fmt], options, gop=1, tag=tag)


def whole_dnxhd(video: VideoStream) -> Recipe:
    """Return how to encode a whole stream of DNxHD or DNxHR anew, as DNxHR."""
    profile = (video.profile or "").lower().replace(" ", "_")
    if profile not in _DNXHR.values():
        profile = "dnxhr_hqx" if video.bit_depth > 8 else "dnxhr_hq"
    return Recipe("dnxhd", "dnxhd", video.pix_fmt, {"profile": profile}, gop=1)


def prores(video: VideoStream, frame: ProresFrame) -> Recipe:
    """Return how to encode ProRes that goes between a stream's own frames.

    Raises:
        Unspliceable: Its profile or shape is one that cannot be encoded.
    """
    profile = _PRORES_PROFILES.get(video.profile or "")
    pix_fmt = PRORES_FORMATS.get(video.pix_fmt)
    if profile is None or pix_fmt is None:
        raise Unspliceable(f"ProRes {video.profile} as {video.pix_fmt} cannot be encoded")
    options = {"profile": profile, "vendor": _vendor(frame)}
    if frame.alpha_bits:
        options["alpha_bits"] = str(frame.alpha_bits)
    return Recipe("prores", "prores_ks", pix_fmt, options, gop=1)


def _vendor(frame: ProresFrame) -> str:
    return frame.vendor if frame.vendor.isascii() and frame.vendor.isalnum() else "apl0"


def dnxhd(video: VideoStream, compression_id: int) -> Recipe:
    """Return how to encode DNxHD or DNxHR of one compression id.

    Raises:
        Unspliceable: There is no encoder for it.
    """
    if compression_id in _DNXHR:
        options = {"profile": _DNXHR[compression_id]}
    elif compression_id in _DNXHD:
        options = {"profile": "dnxhd", "b": _DNXHD[compression_id]}
    else:
        raise Unspliceable(f"DNxHD of compression id {compression_id} cannot be encoded")
    if video.pix_fmt not in DNXHD_FORMATS:
        raise Unspliceable(f"DNxHD of {video.pix_fmt} cannot be encoded")
    return Recipe("dnxhd", "dnxhd", video.pix_fmt, options, gop=1)


def mjpeg(video: VideoStream, quantisers: int = 0) -> Recipe:
    """Return how to encode JPEG pictures no coarser than a stream's own.

    Args:
        video: The source's stream.
        quantisers: Sum of the steps of its pictures' quantisation tables; 0 where unknown.

    Raises:
        Unspliceable: There is no encoder for their shape.
    """
    if video.pix_fmt not in MJPEG_FORMATS:
        raise Unspliceable(f"JPEG pictures of {video.pix_fmt} cannot be encoded")
    setting = max((quantisers + _ROUNDED) // _JPEG_SUM, _JPEG_SETTINGS[0]) if quantisers else 2
    step = str(min(setting, _JPEG_SETTINGS[-1]))
    options = {"qmin": step, "qmax": step}
    if not video.colour.full_range:
        # JPEG is of full range by itself; a comment in each picture says otherwise.
        options["strict"] = "unofficial"
    return Recipe("mjpeg", "mjpeg", video.pix_fmt, options, gop=1)


def lossless(video: VideoStream) -> Recipe:
    """Return how to encode with the stream's own codec, which loses nothing.

    Raises:
        Unspliceable: There is no encoder for their shape.
    """
    encoder, options = LOSSLESS[video.codec]
    if video.pix_fmt not in lossless_formats(video.codec):
        raise Unspliceable(f"{video.codec} pictures of {video.pix_fmt} cannot be encoded")
    return Recipe(video.codec, encoder, video.pix_fmt, dict(options), gop=1)


def lossless_formats(codec: str) -> frozenset[str]:
    """Return the pixel formats that the encoder of one of `LOSSLESS` takes."""
    return frozenset(each.name for each in av.Codec(LOSSLESS[codec][0], "w").video_formats or ())
