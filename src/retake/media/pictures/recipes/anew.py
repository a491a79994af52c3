"""How to encode whole streams anew as any codec that can be asked for, or that a source had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import av
from av.codec.codec import find_best_pix_fmt_of_list

from retake.core.source import VideoStream
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.recipes import av1, avc, hevc, intra, vpx
from retake.media.pictures.recipes.whole import whole

_FORMATS = {
    "h264": avc.FORMATS,
    "hevc": hevc.FORMATS,
    "prores": frozenset(intra.PRORES_FORMATS.values()),
    "vp9": vpx.VP9_FORMATS,
    "vp8": vpx.VP8_FORMATS,
    "av1": av1.FORMATS,
}

# One quantiser for all pictures, in FFmpeg's units of 118; 2 is the finest that every decoder
# takes. Bit rates given by nobody would be 200 kbit/s.
_CONSTANT = {"flags": "+qscale", "global_quality": "236"}

_OLDER: Mapping[str, Recipe] = {
    "mpeg1video": Recipe("mpeg1video", "mpeg1video", "", _CONSTANT, b_frames=2, gop=15),
    "mpeg2video": Recipe("mpeg2video", "mpeg2video", "", _CONSTANT, b_frames=2, gop=15),
    # With B-frames AVI files of it need a trick that not all players know.
    "mpeg4": Recipe("mpeg4", "mpeg4", "", _CONSTANT, gop=50),
    "mjpeg": Recipe("mjpeg", "mjpeg", "", _CONSTANT, gop=1),
    "ffv1": Recipe("ffv1", "ffv1", "", {"level": "3", "slicecrc": "1"}, gop=1),
    "wmv2": Recipe("wmv2", "wmv2", "", _CONSTANT, gop=50),
    "flv1": Recipe("flv1", "flv", "", _CONSTANT, gop=50),
    "msmpeg4v3": Recipe("msmpeg4v3", "msmpeg4v3", "", _CONSTANT, gop=50),
}


def can_encode(codec: str) -> bool:
    """Return whether pictures can be encoded as what FFmpeg calls so."""
    return codec in _FORMATS or codec in _OLDER or codec in intra.LOSSLESS


def anew(video: VideoStream, codec: str, *, crf: int, reorder: int, tag: str | None) -> Recipe:
    """Return how to encode a whole stream anew as one codec.

    Bit depth and chroma subsampling stay, or become the nearest that the codec has.

    Args:
        video: The source's stream.
        codec: One that `can_encode` knows.
        crf: See `quality`.
        reorder: Pictures by which decoding order may precede display order.
        tag: Four letters of the source's sample entry, in MP4 and MOV.
    """
    if codec in _FORMATS:
        pix_fmt = _nearest(video, _FORMATS[codec])
        as_codec = replace(video, codec=codec, pix_fmt=pix_fmt)
        return whole(as_codec, crf=crf, reorder=reorder, tag=tag)
    if codec in intra.LOSSLESS:
        encoder, options = intra.LOSSLESS[codec]
        recipe = Recipe(codec, encoder, "", dict(options), gop=1)
    else:
        recipe = _OLDER[codec]
    if codec == "mjpeg" and not video.colour.full_range:
        # JPEG is of full range by itself; a comment in each picture says otherwise.
        recipe = replace(recipe, options=recipe.options | {"strict": "unofficial"})
    offered = av.Codec(recipe.encoder, "w").video_formats or ()
    return replace(recipe, pix_fmt=_nearest(video, frozenset(each.name for each in offered)))


def _nearest(video: VideoStream, offered: frozenset[str]) -> str:
    """Return the pixel format that loses least, of those that a codec has."""
    if video.pix_fmt in offered:
        return video.pix_fmt
    # Sorted, so that the same one is found in every process.
    best, _ = find_best_pix_fmt_of_list(sorted(offered), video.pix_fmt)
    return best.name if best else min(offered)
