"""The engine `ltx` of this instance: whether it can work here, with which weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retake.engines.ltx.readiness import (
    AUTO,
    Choice,
    choose,
    find_weights,
    lacking,
    lacks_to_load,
)
from retake.engines.ltx.weights.library import Held, Library
from retake.engines.ltx.weights.loras import Loras

if TYPE_CHECKING:
    from retake.core.errors import RetakeError
    from retake.engines.engine import Engine
    from retake.settings import Settings


def default_engine(chosen: Settings) -> Choice:
    """Return which engine answers where none is named: `ltx` where a GPU and weights are."""
    if chosen.engine != AUTO:
        return choose(chosen.engine, None)
    # The driver is asked only where all else is there.
    library = Library(chosen.models_dir)
    return choose(AUTO, next(lacking(library, chosen.ltx_weights), None))


def ltx_lacks(chosen: Settings) -> list[RetakeError]:
    """Return what `ltx` lacks on this machine, in the order of mending; nothing where it works."""
    return list(lacking(Library(chosen.models_dir), chosen.ltx_weights))


def ltx_weights(chosen: Settings) -> Held:
    """Return the weights that the engine uses.

    Raises:
        RetakeError: There are none, or they are damaged.
    """
    return find_weights(Library(chosen.models_dir), chosen.ltx_weights)


def ltx_cannot_load(chosen: Settings) -> RetakeError | None:
    """Return why the engine cannot be loaded here at all, GPU or not; None where it can."""
    from retake.core.errors import RetakeError

    missing = lacks_to_load()
    if missing is not None:
        return missing
    try:
        ltx_weights(chosen)
    except RetakeError as error:
        return error
    return None


def make_ltx(chosen: Settings) -> Engine:
    """Return the engine; its weights are loaded when it is first used.

    Raises:
        RetakeError: What it needs is not here.
    """
    from retake.engines.ltx.engine import LtxEngine

    missing = lacks_to_load()
    if missing is not None:
        raise missing
    return LtxEngine(
        ltx_weights(chosen).folder,
        loras=Loras(chosen.models_dir),
        usual_loras=chosen.ltx_loras,
    )
