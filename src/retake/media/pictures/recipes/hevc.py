"""How to encode HEVC."""

from __future__ import annotations

from retake.media.pictures.recipe import Recipe
from retake.media.pictures.recipes import avc

FORMATS = avc.FORMATS | {f"{shape}12le" for shape in avc.SHAPES}


def whole(pix_fmt: str, *, crf: int, reorder: int, tag: str | None) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`)."""
    b_frames = 0 if reorder < 1 else 3
    parameters = "log-level=none:info=0:open-gop=0:repeat-headers=0:hrd=0:aud=0"
    pyramid = f":b-pyramid={int(reorder > 1)}:bframes={b_frames}"
    options = {"preset": "superfast", "x265-params": f"{parameters}:crf={crf}{pyramid}"}
    own = tag if tag in {"hvc1", "hev1"} else "hvc1"
    return Recipe("hevc", "libx265", pix_fmt, options, b_frames, tag=own)
