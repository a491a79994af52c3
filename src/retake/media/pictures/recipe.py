"""How to encode so that new pictures are at home among the source's: codec, format, quality."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from av.video.format import VideoFormat

from retake.core.source import VideoStream
from retake.media.bitstream.h264 import Sps

PRESET = "veryfast"
DEFAULT_CRF = 16
_FINER = 3
_CRF_RANGE = range(4, 23)

# With macroblock trees, the x264 in PyAV's wheels gives other bytes from run to run on processors
# with AVX-512 (4 different files in 40 runs; 1 with asm=AVX2, and 1 without the trees).
_REPEATABLE = "mbtree=0"

_SHAPES = ("yuv420p", "yuv422p", "yuv444p", "gray")
_DEEP = frozenset(f"{shape}10le" for shape in _SHAPES)
_H264_FORMATS = frozenset({*_SHAPES, "yuvj420p", "yuvj422p", "yuvj444p"}) | _DEEP
_OWN_FORMATS = {
    "hevc": _H264_FORMATS | {f"{shape}12le" for shape in _SHAPES},
    "prores": frozenset({"yuv422p10le", "yuv444p10le", "yuva444p10le"}),
    "vp9": frozenset({"yuv420p", "yuv422p", "yuv440p", "yuv444p"}),
    "vp8": frozenset({"yuv420p"}),
    "av1": frozenset({"yuv420p", "yuv420p10le"}),
}
_PRORES = {"apco": "0", "apcs": "1", "apcn": "2", "apch": "3", "ap4h": "4", "ap4x": "5"}


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


def spliced(
    video: VideoStream, sps: Sps, *, crf: int, new_id: int, reorder: int, intra: bool
) -> Recipe:
    """Return how to encode H.264 that goes between packets of another H.264 encoder.

    Args:
        video: The source's stream.
        sps: Its sequence parameter set: references and level must not grow, or decoders that
            allocate by the first one drop frames.
        crf: See `quality`.
        new_id: Id for the new parameter sets, different from all of the source's.
        reorder: Pictures by which the source's decoding order may precede its display order.
        intra: Whether every packet of the source is a keyframe.
    """
    profile = _x264_profile(sps, video)
    # A pyramid makes x264 announce at least four references.
    pyramid = "normal" if reorder > 1 and sps.references >= 4 else "none"
    # One reference is searched, for speed, but as many are announced as in the source. The
    # quickest subpixel search halves the time for 0.4 dB, which a step of quality gives back.
    parameters = (
        f"sps-id={new_id}:stitchable=1:open-gop=0:b-pyramid={pyramid}"
        f":ref=1:dpb-size={min(max(sps.references, 1), 16)}:subme=1:{_REPEATABLE}"
    )
    no_b_frames = reorder < 1 or sps.references < 2 or intra or profile == "baseline"
    return Recipe(
        codec="h264",
        encoder="libx264",
        pix_fmt=video.pix_fmt,
        options={
            "preset": PRESET,
            "crf": str(crf - 1),
            "profile": profile,
            "level": _level(sps),
            "x264-params": parameters,
        },
        b_frames=0 if no_b_frames else 3,
        gop=1 if intra else 250,
    )


def whole(
    video: VideoStream,
    *,
    crf: int,
    reorder: int,
    tag: str | None,
    own: Collection[str] = tuple(_OWN_FORMATS),
) -> Recipe:
    """Return how to encode a whole stream anew: in its own codec where we can, else H.264.

    Size, bit depth and chroma subsampling stay wherever the encoder has them.

    Args:
        video: The source's stream.
        crf: See `quality`.
        reorder: Pictures by which decoding order may precede display order.
        tag: Four letters of the source's sample entry, in MP4 and MOV.
        own: Codecs besides H.264 that the container is a home for.
    """
    b_frames = 0 if reorder < 1 else 3
    at_home = video.codec in own and video.pix_fmt in _OWN_FORMATS.get(video.codec, ())
    codec = video.codec if at_home else "h264"
    pix_fmt = video.pix_fmt if codec != "h264" else h264_format(video)
    match codec:
        case "hevc":
            parameters = "log-level=none:info=0:open-gop=0:repeat-headers=0:hrd=0:aud=0"
            pyramid = f":b-pyramid={int(reorder > 1)}:bframes={b_frames}"
            options = {"preset": "superfast", "x265-params": f"{parameters}:crf={crf}{pyramid}"}
            own = tag if tag in {"hvc1", "hev1"} else "hvc1"
            return Recipe(codec, "libx265", pix_fmt, options, b_frames, tag=own)
        case "prores":
            options = {"profile": _PRORES.get(tag or "", "3"), "vendor": "apl0"}
            return Recipe(codec, "prores_ks", pix_fmt, options, gop=1, tag=tag)
        case "vp9" | "vp8":
            options = {"deadline": "good", "cpu-used": "5", "crf": str(crf + 4), "b": "0"}
            # Frames that are not shown would break the one packet for every frame.
            options |= {"auto-alt-ref": "0", "lag-in-frames": "0"}
            options |= {"row-mt": "1"} if codec == "vp9" else {"b": "40M"}
            return Recipe(codec, "libvpx-vp9" if codec == "vp9" else "libvpx", pix_fmt, options)
        case "av1":
            options = {"preset": "10", "crf": str(crf + 8)}
            return Recipe(codec, "libsvtav1", pix_fmt, options)
        case _:
            pyramid = "normal" if reorder > 1 else "none"
            options = {"preset": PRESET, "crf": str(crf)}
            options["x264-params"] = f"open-gop=0:b-pyramid={pyramid}:{_REPEATABLE}"
            return Recipe("h264", "libx264", pix_fmt, options, b_frames)


def h264_format(video: VideoStream) -> str:
    """Return the pixel format in which H.264 holds the stream's pictures with the least loss."""
    if video.pix_fmt in _H264_FORMATS and not (video.width % 2 or video.height % 2):
        return video.pix_fmt
    deep = "10le" if video.bit_depth > 8 else ""
    form = VideoFormat(video.pix_fmt, 64, 64)
    if form.is_rgb or video.width % 2 or form.chroma_width() == 64 != form.chroma_height():
        return f"yuv444p{deep}"
    if len(form.components) == 1:
        return f"gray{deep}"
    if form.chroma_width() == 64 or (video.height % 2 and form.chroma_height() == 32):
        return f"yuv444p{deep}"
    return f"yuv422p{deep}" if form.chroma_height() == 64 else f"yuv420p{deep}"


def _x264_profile(sps: Sps, video: VideoStream) -> str:
    if sps.profile_idc == 66:
        return "baseline"
    if sps.profile_idc == 77:
        return "main"
    if "444" in video.pix_fmt:
        return "high444"
    if "422" in video.pix_fmt:
        return "high422"
    return "high10" if video.bit_depth > 8 else "high"


def _level(sps: Sps) -> str:
    # 1b is written as level 9, or as 11 with a constraint flag in the older profiles.
    if sps.level_idc == 9 or (sps.level_idc == 11 and sps.constraints & 0x10):
        return "1b"
    return f"{sps.level_idc // 10}.{sps.level_idc % 10}"
