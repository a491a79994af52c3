"""How to encode a whole stream anew: in its own codec where we can, else as H.264."""

from __future__ import annotations

from collections.abc import Collection

from retake.core.source import VideoStream
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.recipes import av1, avc, hevc, intra, vpx

_OWN_FORMATS = {
    "hevc": hevc.FORMATS,
    "prores": frozenset(intra.PRORES_FORMATS),
    "vp9": vpx.VP9_FORMATS,
    "vp8": vpx.VP8_FORMATS,
    "av1": av1.FORMATS,
    "dnxhd": intra.DNXHD_FORMATS,
    "mjpeg": intra.MJPEG_FORMATS,
    **{codec: intra.lossless_formats(codec) for codec in intra.LOSSLESS},
}


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
    at_home = video.codec in own and video.pix_fmt in _OWN_FORMATS.get(video.codec, ())
    match video.codec if at_home else "h264":
        case "hevc":
            recipe = hevc.whole(video.pix_fmt, crf=crf, reorder=reorder, tag=tag)
        case "prores":
            recipe = intra.whole_prores(video.pix_fmt, tag=tag)
        case "dnxhd":
            recipe = intra.whole_dnxhd(video)
        case "mjpeg":
            recipe = intra.mjpeg(video)
        case codec if codec in intra.LOSSLESS:
            recipe = intra.lossless(video)
        case "vp9" | "vp8" as codec:
            recipe = vpx.whole(codec, video.pix_fmt, crf=crf)
        case "av1":
            recipe = av1.whole(video.pix_fmt, crf=crf)
        case _:
            recipe = avc.whole(video, crf=crf, reorder=reorder)
    return recipe
