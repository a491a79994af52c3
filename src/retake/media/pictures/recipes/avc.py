"""How to encode H.264: between packets of another encoder, or whole streams."""

from __future__ import annotations

from dataclasses import replace

from av.video.format import VideoFormat

from retake.core.source import VideoStream
from retake.media.bitstream.h264 import Sps
from retake.media.pictures.recipe import Recipe

PRESET = "veryfast"

# With one quantiser for all, veryfast takes three times as long for a tenth fewer bytes.
_SPLICED_PRESET = "superfast"

# With macroblock trees, the x264 in PyAV's wheels gives other bytes from run to run on processors
# with AVX-512 (4 different files in 40 runs; 1 with asm=AVX2, and 1 without the trees).
_REPEATABLE = "mbtree=0"

# Deciding where B-frames and keyframes would pay takes as long as encoding so quickly does.
_NOT_ASKED = "scenecut=0:b-adapt=0"

# At least 49 dB whatever is in the picture, noise too. With a rate factor, noise would be
# quantised more coarsely.
FAITHFUL_QP = 10
_ONE_QUANTISER = "ipratio=1:pbratio=1:psy=0"

SHAPES = ("yuv420p", "yuv422p", "yuv444p", "gray")
FORMATS = frozenset({*SHAPES, "yuvj420p", "yuvj422p", "yuvj444p"}) | frozenset(
    f"{shape}10le" for shape in SHAPES
)


def spliced(
    video: VideoStream, sps: Sps, *, quantiser: int | None, new_id: int, reorder: int, intra: bool
) -> Recipe:
    """Return how to encode H.264 that goes between packets of another H.264 encoder.

    Args:
        video: The source's stream.
        sps: Its sequence parameter set: references and level must not grow, or decoders that
            allocate by the first one drop frames.
        quantiser: See `section_quantiser`; None for pictures of the source itself, which are to
            stay as they are but for what nobody sees.
        new_id: Id for the new parameter sets, different from all of the source's.
        reorder: Pictures by which the source's decoding order may precede its display order.
        intra: Whether every packet of the source is a keyframe.
    """
    profile = _x264_profile(sps, video)
    # A pyramid makes x264 announce at least four references.
    pyramid = "normal" if reorder > 1 and sps.references >= 4 else "none"
    # One reference is searched, for speed, but as many are announced as in the source.
    parameters = (
        f"sps-id={new_id}:stitchable=1:open-gop=0:b-pyramid={pyramid}"
        f":dpb-size={min(max(sps.references, 1), 16)}:{_REPEATABLE}:{_NOT_ASKED}"
    )
    # x264 itself does so at slower presets, for chroma would be half a decibel below the source's.
    # Where no picture is predicted, the quantiser is that of the others.
    own = ":chroma-qp-offset=-2" + (":ipratio=1" if intra else "")
    no_b_frames = reorder < 1 or sps.references < 2 or intra or profile == "baseline"
    return Recipe(
        codec="h264",
        encoder="libx264",
        pix_fmt=video.pix_fmt,
        options={
            "preset": _SPLICED_PRESET,
            "qp": str(_x264_quantiser(video, FAITHFUL_QP if quantiser is None else quantiser)),
            "profile": profile,
            "level": _level(sps),
            "x264-params": parameters + (f":{_ONE_QUANTISER}" if quantiser is None else own),
        },
        b_frames=0 if no_b_frames else 3,
        gop=1 if intra else 250,
    )


def joined(
    video: VideoStream, sps: Sps, *, quantiser: int | None, b_frames: int, count: int
) -> Recipe:
    """Return how to encode H.264 whose pictures are then put among another encoder's.

    Args:
        video: The source's stream.
        sps: Its sequence parameter set.
        quantiser: See `section_quantiser`; None for pictures of the source, each by itself.
        b_frames: Most B-frames in a row; which pictures they are is told with each.
        count: How many pictures there are.
    """
    alone = quantiser is None
    plain = spliced(video, sps, quantiser=quantiser, new_id=0, reorder=0, intra=alone)
    return replace(plain, b_frames=b_frames, gop=1 if alone else count + 1)


def _x264_quantiser(video: VideoStream, quantiser: int) -> int:
    # x264 counts quantisers of deeper samples from 0 as well: 6 finer ones for every bit.
    return quantiser + 6 * (video.bit_depth - 8)


def whole(video: VideoStream, *, crf: int, reorder: int) -> Recipe:
    """Return how to encode a whole stream anew as H.264."""
    pyramid = "normal" if reorder > 1 else "none"
    options = {"preset": PRESET, "crf": str(crf)}
    options["x264-params"] = f"open-gop=0:b-pyramid={pyramid}:{_REPEATABLE}"
    return Recipe("h264", "libx264", h264_format(video), options, 0 if reorder < 1 else 3)


def h264_format(video: VideoStream) -> str:
    """Return the pixel format in which H.264 holds the stream's pictures with the least loss."""
    if video.pix_fmt in FORMATS and not (video.width % 2 or video.height % 2):
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
