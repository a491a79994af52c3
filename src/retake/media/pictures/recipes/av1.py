"""How to encode AV1."""

from __future__ import annotations

from retake.media.pictures.recipe import Recipe

FORMATS = frozenset({"yuv420p", "yuv420p10le"})


def whole(pix_fmt: str, *, crf: int) -> Recipe:
    """Return how to encode a whole stream anew (see `recipes.whole`)."""
    options = {"preset": "10", "crf": str(crf + 8)}
    return Recipe("av1", "libsvtav1", pix_fmt, options)
