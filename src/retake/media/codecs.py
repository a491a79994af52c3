"""Which of the codecs that retake cannot do without are in this machine's FFmpeg."""

from __future__ import annotations

import av

NEEDED = ("libx264", "aac", "ffvhuff", "ffv1")


def missing_codecs() -> tuple[str, ...]:
    """Return the needed encoders that the FFmpeg inside PyAV lacks; empty when all is well."""
    return tuple(name for name in NEEDED if name not in av.codecs_available)
