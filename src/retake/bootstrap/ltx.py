"""The engine `ltx` of this instance: whether it can work here, with which weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retake.engines.ltx.readiness import (
    AUTO,
    LTX,
    Choice,
    choose,
    find_weights,
    is_distilled,
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


def check_default(chosen: Settings) -> None:
    """Let pass a server that can do what its default engine promises.

    Raises:
        RetakeError: The default is `ltx`, this process is to run engines, and `ltx` cannot be
            loaded here.
    """
    here = chosen.database.get_secret_value() == "sqlite" if chosen.slots is None else chosen.slots
    lacks = ltx_cannot_load(chosen) if chosen.engine == LTX and here else None
    if lacks is not None:
        raise lacks


def engine_told(chosen: Settings) -> str | None:
    """Return the line that a start prints of its engine; None where `ltx` was never wanted."""
    choice = default_engine(chosen)
    if choice.engine == LTX:
        return f"The engine is ltx with {ltx_weights(chosen).name}: {choice.why}"
    if chosen.engine == AUTO and lacks_to_load() is None:
        return f"The engine is {choice.engine}: {choice.why}"
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
    held = ltx_weights(chosen)
    return LtxEngine(
        held.folder,
        distilled=is_distilled(held),
        loras=Loras(chosen.models_dir),
        usual_loras=chosen.ltx_loras,
        quantise={"auto": None, "bf16": False, "fp8": True}[chosen.ltx_precision],
        compiled=chosen.ltx_compile,
    )
