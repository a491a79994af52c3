"""How to encode with codecs whose pictures all stand alone."""

from __future__ import annotations

from retake.media.pictures.recipe import Recipe

PRORES_FORMATS = frozenset({"yuv422p10le", "yuv444p10le", "yuva444p10le"})
_PRORES = {"apco": "0", "apcs": "1", "apcn": "2", "apch": "3", "ap4h": "4", "ap4x": "5"}


def whole_prores(pix_fmt: str, *, tag: str | None) -> Recipe:
    """Return how to encode a whole stream of ProRes anew (see `recipes.whole`)."""
    options = {"profile": _PRORES.get(tag or "", "3"), "vendor": "apl0"}
    return Recipe("prores", "prores_ks", pix_fmt, options, gop=1, tag=tag)
