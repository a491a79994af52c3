"""The engine `ltx`: a window around the section is encoded, made anew where masked, and decoded.

torch is imported when the first shot comes or the engine is warmed, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from retake.core.errors import EngineFailed
from retake.engines.engine import EngineInfo, Estimate, Shot, Take
from retake.engines.ltx.driver import read_driver
from retake.engines.ltx.estimating import estimate
from retake.engines.ltx.info import INFO, Options, check_options
from retake.engines.ltx.prompting.check import check as check_prompt
from retake.engines.ltx.weights.loras import Lora, Loras

if TYPE_CHECKING:
    from retake.engines.ltx.studio import Studio


class LtxEngine:
    """Generates sections with LTX-2.

    Args:
        folder: The weights, in diffusers' layout.
        device: Where to compute: ``cuda``, ``cuda:1``, ``cpu``; None takes a GPU where one is.
        distilled: Whether the weights take eight steps without guidance; None asks their scheduler.
        loras: The LoRAs that requests may name; None is none.
        usual_loras: What is used of them where a request names none, such as ``grain:0.8``.
        quantise: Whether blocks are held as 8-bit numbers; None where the card needs it.
        compiled: Whether the transformer's blocks are compiled.
    """

    def __init__(
        self,
        folder: Path,
        device: str | None = None,
        *,
        distilled: bool | None = None,
        loras: Loras | None = None,
        usual_loras: str = "",
        quantise: bool | None = None,
        compiled: bool = False,
    ) -> None:
        self._folder = folder
        self._distilled = distilled
        self._device = device
        self._loras = loras or Loras(Path())
        self._usual_loras = usual_loras
        self._quantise, self._compiled = quantise, compiled
        self._with: tuple[Lora, ...] = ()
        self._loaded: Studio | None = None
        self._loading = Lock()

    def describe(self) -> EngineInfo:
        """Return what this engine is, without loading anything."""
        return INFO

    def warm(self) -> None:
        """Load the weights."""
        self._studio(self._loras.read(self._usual_loras))

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return warnings about a prompt.

        Raises:
            BadRequest: An option is unknown or out of range.
        """
        self._asked_loras(check_options(options))
        return check_prompt(prompt)

    def estimate(self, shot: Shot) -> Estimate:
        """Return roughly what `make` will cost.

        It is computed for LTX-2.3 of full size on the first card that the driver shows (an unknown
        one of 80 GiB where there is none), and loads nothing.
        """
        driver = read_driver()
        card = driver.cards[0] if driver is not None and driver.cards else None
        options = check_options(shot.options)
        if card is None:
            return estimate(shot, options)
        return estimate(shot, options, card=(card.name, card.memory_bytes))

    def make(self, shot: Shot) -> Take:
        """Return a take of `shot`.

        Raises:
            EngineFailed: The section could not be made.
            Cancelled: `shot.watch` was cancelled.
        """
        options = check_options(shot.options)
        loras = self._asked_loras(options)
        take = self._studio(loras).take(shot, options)
        return replace(take, notes=(*take.notes, *map(_note, loras)))

    def _asked_loras(self, options: Options) -> tuple[Lora, ...]:
        return self._loras.read(self._usual_loras if options.loras is None else options.loras)

    def _studio(self, loras: tuple[Lora, ...]) -> Studio:
        """Return the model with these LoRAs in it; it is loaded anew where it holds others.

        Raises:
            EngineFailed: It cannot be loaded, or torch and diffusers are not installed
                (``ltx_not_installed``).
        """
        # Warming goes on while a first request comes: it waits, and nothing is loaded twice.
        with self._loading:
            if self._loaded is None or loras != self._with:
                # The old one goes first: there is seldom room for two.
                self._loaded = None
                self._loaded, self._with = self._open(loras), loras
            return self._loaded

    def _open(self, loras: tuple[Lora, ...]) -> Studio:
        try:
            from retake.engines.ltx.studio import open_studio
        except ImportError as error:
            raise EngineFailed(
                "ltx_not_installed",
                f"the engine ltx needs {error.name}; `pip install 'openretake[ltx]'` installs it",
            ) from error
        return open_studio(
            self._folder,
            self._device,
            distilled=self._distilled,
            loras=loras,
            quantise=self._quantise,
            compiled=self._compiled,
        )


def _note(lora: Lora) -> str:
    return f"The LoRA {lora.name} was used at {lora.strength:g}."
