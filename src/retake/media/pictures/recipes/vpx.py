"""How to encode VP9 and VP8."""

from __future__ import annotations

from retake.media.pictures.recipe import Recipe

VP9_FORMATS = frozenset({"yuv420p", "yuv422p", "yuv440p", "yuv444p"})
VP8_FORMATS = frozenset({"yuv420p"})


def whole(codec: str, pix_fmt: str, *, crf: int) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`)."""
    options = {"deadline": "good", "cpu-used": "5", "crf": str(crf + 4), "b": "0"}
    # Frames that are not shown would break the one packet for every frame.
    options |= {"auto-alt-ref": "0", "lag-in-frames": "0"}
    options |= {"row-mt": "1"} if codec == "vp9" else {"b": "40M"}
    return Recipe(codec, "libvpx-vp9" if codec == "vp9" else "libvpx", pix_fmt, options)
