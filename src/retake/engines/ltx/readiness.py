"""Whether `ltx` can work on this machine, what it lacks, and which engine answers by default.

Nothing here loads torch. What is lacking is an error with the next command to type, in the order in
which a person would mend it: libraries, card, driver, weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retake.core.errors import EngineFailed, RetakeError
from retake.engines.ltx.driver import (
    Driver,
    Torch,
    missing_libraries,
    read_driver,
    read_torch,
    too_old_for,
)
from retake.engines.ltx.weights.catalogue import CATALOGUE
from retake.engines.ltx.weights.folder import INDEX
from retake.engines.ltx.weights.library import Held, Library, faulty, held_in

AUTO = "auto"
LTX = "ltx"


@dataclass(frozen=True)
class Choice:
    """The engine that answers where none is named, and why it is that one."""

    engine: str
    why: str


def choose(asked: str, lacking: RetakeError | None) -> Choice:
    """Return which engine answers.

    Args:
        asked: The setting: an engine's id, or ``auto``.
        lacking: What `ltx` lacks here; None where it can work.
    """
    if asked != AUTO:
        return Choice(asked, "RETAKE_ENGINE names it")
    if lacking is None:
        return Choice(LTX, "a GPU and weights are here")
    return Choice("vfx", f"ltx cannot work here: {lacking.message}")


def find_weights(library: Library, named: str | None) -> Held:
    """Return the weights that the engine uses.

    Args:
        library: Those that are here.
        named: A name there, or a folder; None takes the first that is whole.

    Raises:
        BadRequest: None are called so (``unknown_weights``).
        EngineFailed: None are here (``weights_missing``), or a file of them is damaged.
    """
    if named is None:
        held = library.held()
        whole = next((one for one in held if one.ready), None)
        if whole is None and held:
            raise faulty(held[0].name, held[0].folder, held[0].contents)
        if whole is None:
            raise EngineFailed(
                "weights_missing",
                f"no weights are in {str(library.models_dir)!r}; `retake models pull "
                f"{CATALOGUE[0].name}` fetches some, `retake models list` shows which there are",
                param="RETAKE_LTX_WEIGHTS",
            )
        return whole
    folder = Path(named).expanduser()
    inside = (folder / INDEX).is_file() or "/" in named
    one = held_in(folder) if inside else library.find(named)
    if one.contents.faults:
        raise faulty(one.name, one.folder, one.contents)
    return one


def is_distilled(held: Held) -> bool | None:
    """Return whether weights are for the preset `fast`; None where only their scheduler tells.

    The catalogue is asked first: LTX-2.5's repository holds distilled weights beside the scheduler
    of the full ones.
    """
    repository = held.record.get("repository")
    known = (one for one in CATALOGUE if one.name == held.name or one.repository == repository)
    return next((one.preset == "fast" for one in known), None)


def lacks_to_load() -> RetakeError | None:
    """Return the error for libraries that are not installed; None where all are."""
    missing = missing_libraries()
    if not missing:
        return None
    return EngineFailed(
        "ltx_not_installed",
        f"the engine ltx needs {', '.join(missing)}; `pip install 'openretake[ltx]'` installs "
        "what is missing, `make setup-ltx` does in a checkout",
    )


def lacks_card(driver: Driver | None, torch: Torch | None) -> RetakeError | None:
    """Return the error for a machine whose GPU torch cannot use; None where it can."""
    if driver is None or driver.fault or not driver.cards:
        found = "no NVIDIA driver is installed" if driver is None else driver.fault
        return EngineFailed(
            "no_gpu",
            f"there is no GPU that the engine ltx can use: {found or 'the driver shows none'}; "
            "`nvidia-smi` shows cards and driver; `--engine vfx` needs none",
        )
    if torch is None:
        return None
    if torch.cuda is None:
        return EngineFailed(
            "torch_without_cuda",
            f"torch {torch.version} is built without CUDA and cannot use {driver.cards[0].name}; "
            "`pip install --force-reinstall torch` brings the other build, `make setup-ltx` in a "
            "checkout",
        )
    least = too_old_for(driver, torch)
    if least is None:
        return None
    return EngineFailed(
        "driver_too_old",
        f"the NVIDIA driver is {driver.version}; torch {torch.version} is built for CUDA "
        f"{torch.cuda}, which needs {least} or later; update the driver (`nvidia-smi` shows it)",
    )


def lacking(library: Library, named: str | None) -> Iterator[RetakeError]:
    """Yield what `ltx` lacks on this machine, in the order of mending; nothing where it can work.

    The driver is asked last, since that takes a quarter of a second: take only as many as needed.
    """
    missing = lacks_to_load()
    if missing is not None:
        yield missing
    try:
        find_weights(library, named)
    except RetakeError as error:
        yield error
    card = lacks_card(read_driver(), read_torch())
    if card is not None:
        yield card
