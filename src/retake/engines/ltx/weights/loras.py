"""LoRA files: which are here, and what an option or a setting says of them.

They lie in ``<models dir>/loras`` and are called by their file's name, so that a request can name
one without naming a path of this machine.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from retake.core.errors import BadRequest, EngineFailed
from retake.engines.ltx.weights.headers import fault_of, read_header
from retake.engines.ltx.weights.ledger import unwritable

MOST = 8
"""LoRAs that one request may ask for."""
STRONGEST = 4.0
ENDING = ".safetensors"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HALVES = (".lora_A.", ".lora_down.")


@dataclass(frozen=True, order=True)
class Lora:
    """One LoRA and how strongly it is applied; 1 is as it was trained."""

    name: str
    path: Path
    strength: float = 1.0


class Loras:
    """The LoRA files of one folder of weights; looked at anew each time.

    Args:
        models_dir: Folder of the weights.
    """

    def __init__(self, models_dir: Path) -> None:
        self.folder = models_dir / "loras"

    def names(self) -> tuple[str, ...]:
        """Return what they are called, sorted."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(path.stem for path in self.folder.glob(f"*{ENDING}")))

    def read(self, text: str) -> tuple[Lora, ...]:
        """Return what a text like ``grain:0.8, dolly-in`` asks for, in its order.

        Raises:
            BadRequest: A LoRA is not here (``unknown_lora``), a strength is no number from -4 to 4,
                or there are too many (``option_out_of_range``).
        """
        asked = [word for word in re.split(r"[,\s]+", text) if word]
        if len(asked) > MOST:
            raise _refused(f"{len(asked)} LoRAs", f"at most {MOST}")
        found = tuple(self._one(word) for word in asked)
        twice = {one.name for one in found if sum(two.name == one.name for two in found) > 1}
        if twice:
            raise _refused(f"{min(twice)} twice", "each LoRA once")
        return found

    def add(self, file: Path, name: str | None = None) -> Path:
        """Copy a LoRA's file in, and return its place.

        Raises:
            BadRequest: The name cannot be one, or is taken (``bad_weights_name``).
            EngineFailed: It is no LoRA (``lora_unreadable``).
            StorageFailed: The folder cannot be written.
        """
        check_lora(file)
        name = name or file.stem
        place = self.folder / f"{name}{ENDING}"
        if not _NAME.fullmatch(name) or place.exists():
            why = "is here already" if place.exists() else "cannot be a name"
            raise BadRequest(
                "bad_weights_name",
                f"{name[:80]!r} {why}; --name gives another, `retake models remove` makes room",
                param="name",
            )
        aside = place.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, aside)
            aside.replace(place)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise unwritable(self.folder, error) from error
        return place

    def remove(self, name: str) -> int | None:
        """Remove a LoRA and return the bytes that were freed; None where there is none so called.

        Raises:
            StorageFailed: It cannot be removed.
        """
        if name not in self.names():
            return None
        place = self.folder / f"{name}{ENDING}"
        try:
            size = place.stat().st_size
            place.unlink()
        except OSError as error:
            raise unwritable(self.folder, error) from error
        return size

    def _one(self, word: str) -> Lora:
        name, _, strength = word.partition(":")
        path = self.folder / f"{name}{ENDING}"
        if not _NAME.fullmatch(name) or not path.is_file():
            here = ", ".join(self.names()) or "none"
            raise BadRequest(
                "unknown_lora",
                f"there is no LoRA called {name[:80]!r}; there are {here}; `retake models add "
                "FILE.safetensors` takes one in",
                param="options.loras",
            )
        try:
            value = float(strength or 1)
        except ValueError:
            value = STRONGEST + 1
        # NaN passes no comparison, so it is refused here too.
        if not -STRONGEST <= value <= STRONGEST:
            raise _refused(f"{name} with {strength[:20]!r}", f"a strength from -{STRONGEST:g} to 4")
        return Lora(name, path, value)


def check_lora(file: Path) -> None:
    """Let pass a file that is a LoRA, as far as its header tells.

    Raises:
        EngineFailed: It is none, or is cut off (``lora_unreadable``).
    """
    fault = fault_of(file)
    if fault is None and not any(
        half in name for name in read_header(file).shapes for half in _HALVES
    ):
        fault = "it holds no LoRA's pairs (lora_A and lora_B, or lora_down and lora_up)"
    if fault is not None:
        raise unreadable(file, fault)


def unreadable(file: Path, fault: str) -> EngineFailed:
    """Return the error for a LoRA that cannot be used."""
    return EngineFailed(
        "lora_unreadable",
        f"{file.name!r}: {fault}; a LoRA for LTX-2 as a whole .safetensors file is needed",
    )


def _refused(found: str, accepted: str) -> BadRequest:
    return BadRequest(
        "option_out_of_range",
        f"options.loras asks for {found}; accepted is {accepted}, such as `grain:0.8, dolly-in`",
        param="options.loras",
    )
