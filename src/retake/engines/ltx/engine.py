"""The engine `ltx`: a window around the section is encoded, made anew where masked, and decoded.

torch is imported when the first shot comes or the engine is warmed, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retake.core.errors import EngineFailed
from retake.engines.engine import EngineInfo, Estimate, Shot, Take
from retake.engines.ltx.info import INFO, check_options

if TYPE_CHECKING:
    from retake.engines.ltx.studio import Studio


class LtxEngine:
    """Generates sections with LTX-2.

    Args:
        folder: The weights, in diffusers' layout.
        device: Where to compute: ``cuda``, ``cuda:1``, ``cpu``; None takes a GPU where one is.
    """

    def __init__(self, folder: Path, device: str | None = None) -> None:
        self._folder = folder
        self._device = device
        self._loaded: Studio | None = None

    def describe(self) -> EngineInfo:
        """Return what this engine is, without loading anything."""
        return INFO

    def warm(self) -> None:
        """Load the weights."""
        self._studio()

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return warnings about a prompt.

        Raises:
            BadRequest: An option is unknown or out of range.
        """
        del prompt
        check_options(options)
        return ()

    def estimate(self, shot: Shot) -> Estimate:
        """Return roughly what `make` will cost."""
        del shot
        return Estimate(60.0, 40 * 1024**3)

    def make(self, shot: Shot) -> Take:
        """Return a take of `shot`.

        Raises:
            EngineFailed: The section could not be made.
            Cancelled: `shot.watch` was cancelled.
        """
        options = check_options(shot.options)
        return self._studio().take(shot, options)

    def _studio(self) -> Studio:
        """Return the loaded model.

        Raises:
            EngineFailed: It cannot be loaded, or torch and diffusers are not installed
                (``ltx_not_installed``).
        """
        if self._loaded is None:
            try:
                from retake.engines.ltx.studio import open_studio
            except ImportError as error:
                raise EngineFailed(
                    "ltx_not_installed",
                    f"the engine ltx needs {error.name}; `pip install 'openretake[ltx]'` "
                    "installs it",
                ) from error
            self._loaded = open_studio(self._folder, self._device)
        return self._loaded
