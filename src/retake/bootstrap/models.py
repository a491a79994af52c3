"""The weights of this machine, for the commands that fetch and check them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retake.bootstrap.parts import settings

if TYPE_CHECKING:
    from pathlib import Path

    from retake.engines.ltx.weights.library import Library


def library(models_dir: Path | None = None) -> Library:
    """Return the weights under a folder; that of the settings when it is None."""
    from retake.engines.ltx.weights.library import Library

    return Library(settings(models_dir=models_dir).models_dir)
