"""The weights on this machine: those that were pulled, and folders that were added where they lie.

```
<models dir>/licences.json        which licences were accepted
             added.json           folders elsewhere, by name
             loras/*.safetensors
             <name>/              one model, in diffusers' layout
             <name>/retake.json   where it came from, and each file's length and SHA-256
             .pulling/<name>/     a pull that is not done
```
A folder copied here from another machine is as good as one that was pulled here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retake.core.errors import BadRequest, EngineFailed, StorageFailed
from retake.engines.ltx.weights.catalogue import CATALOGUE
from retake.engines.ltx.weights.folder import INDEX, Contents, look_into
from retake.engines.ltx.weights.ledger import now, read_json, unwritable, write_json

RECORD = "retake.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWN = frozenset({"loras"})


@dataclass(frozen=True)
class Held:
    """One set of weights that is here.

    Attributes:
        name: What settings and commands call it.
        folder: Where it lies.
        contents: What is in it, as far as can be told without reading it all.
        record: What was written down when it was pulled; empty for folders that never were.
        added: Whether it lies elsewhere and only its place is known here.
    """

    name: str
    folder: Path
    contents: Contents
    record: dict[str, Any]
    added: bool

    @property
    def ready(self) -> bool:
        """Whether it can be loaded, as far as headers and lengths tell."""
        return not self.contents.faults


class Library:
    """The weights under one folder; files are looked at anew each time.

    Args:
        models_dir: The folder; it may not be there yet.
    """

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir

    def held(self) -> tuple[Held, ...]:
        """Return what is here, the catalogue's first and in its order, then by name."""
        order = {model.name: place for place, model in enumerate(CATALOGUE)}
        return tuple(sorted(self._each(), key=lambda one: (order.get(one.name, 99), one.name)))

    def find(self, name: str) -> Held:
        """Return the weights of that name.

        Raises:
            BadRequest: There are none here (``unknown_weights``).
        """
        for one in self.held():
            if one.name == name:
                return one
        here = ", ".join(one.name for one in self.held()) or "none"
        known = name in {model.name for model in CATALOGUE}
        hint = f"; `retake models pull {name}` fetches them" if known else ""
        raise BadRequest(
            "unknown_weights",
            f"no weights called {name[:80]!r} are here; there are {here}{hint}",
            param="name",
        )

    def add(self, folder: Path, name: str | None = None) -> Held:
        """Take in a folder where it lies, without copying it.

        Raises:
            BadRequest: The name cannot be one, or is taken (``bad_weights_name``).
            EngineFailed: The folder holds no whole set of weights (``weights_missing``).
            StorageFailed: The record cannot be written.
        """
        folder = folder.expanduser().resolve()
        name = name or _name_of(folder)
        if not _NAME.fullmatch(name) or name in _OWN:
            raise BadRequest(
                "bad_weights_name",
                f"the name is {name[:80]!r}; accepted are letters, digits, dots and dashes; "
                "--name gives another",
                param="name",
            )
        taken = next((one for one in self.held() if one.name == name), None)
        if taken is not None and taken.folder != folder:
            raise BadRequest(
                "bad_weights_name",
                f"{name!r} lies in {str(taken.folder)!r} already; --name gives another name, "
                f"`retake models remove {name}` makes room",
                param="name",
            )
        contents = look_into(folder)
        if contents.faults:
            raise faulty(name, folder, contents)
        if folder != self.models_dir / name:
            path = self.models_dir / "added.json"
            write_json(path, {**read_json(path), name: {"folder": str(folder), "added_at": now()}})
        return self.find(name)

    def remove(self, name: str) -> int:
        """Remove weights and return the bytes that were freed; added folders are only forgotten.

        Raises:
            BadRequest: There are none of that name.
            StorageFailed: They cannot be removed.
        """
        unfinished = self.models_dir / ".pulling" / name
        if name in {model.name for model in CATALOGUE} and unfinished.is_dir():
            return self._delete(unfinished) + self._remove_held(name, missing_ok=True)
        return self._remove_held(name, missing_ok=False)

    def _remove_held(self, name: str, *, missing_ok: bool) -> int:
        if missing_ok and all(one.name != name for one in self.held()):
            return 0
        one = self.find(name)
        if not one.added:
            return self._delete(one.folder)
        path = self.models_dir / "added.json"
        write_json(path, {key: value for key, value in read_json(path).items() if key != name})
        return 0

    def _delete(self, folder: Path) -> int:
        if folder.is_symlink():
            folder.unlink()
            return 0
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise unwritable(folder, error) from error
        return size

    def _each(self) -> Iterator[Held]:
        for name, entry in read_json(self.models_dir / "added.json").items():
            folder = Path(str(entry["folder"])) if isinstance(entry, dict) else None
            if folder is not None and not (self.models_dir / name / INDEX).exists():
                yield held_in(folder, name)
        if self.models_dir.is_dir():
            for folder in self.models_dir.iterdir():
                if (folder / INDEX).is_file() and not folder.name.startswith("."):
                    yield held_in(folder, added=False)


def faulty(name: str, folder: Path, contents: Contents) -> EngineFailed:
    """Return the error for weights that cannot be used, naming the first files at fault."""
    first = "; ".join(str(fault) for fault in contents.faults[:3])
    more = len(contents.faults) - 3
    known = name in {model.name for model in CATALOGUE}
    mend = f"`retake models pull {name}` fetches what is not right" if known else "copy it anew"
    code = "weights_unreadable" if (folder / INDEX).is_file() else "weights_missing"
    if code == "weights_missing":
        mend = "a folder in diffusers' layout is needed, with model_index.json in it"
    return EngineFailed(
        code, f"{str(folder)!r}: {first}" + (f" and {more} more" if more > 0 else "") + f"; {mend}"
    )


def check_space(folder: Path, needed: int, what: str) -> None:
    """Let pass what fits onto the disk with a gigabyte to spare.

    Raises:
        StorageFailed: It does not fit (``disk_full``).
    """
    standing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(standing).free
    if needed + 10**9 > free:
        raise StorageFailed(
            "disk_full",
            f"{what} needs {needed / 1e9:.1f} GB more and one to spare; {free / 1e9:.1f} GB are "
            f"free in {str(standing)!r}; free some, or set RETAKE_MODELS_DIR to another disk",
        )


def held_in(folder: Path, name: str | None = None, *, added: bool = True) -> Held:
    """Return what a folder holds, whether or not it is worth anything, under its own name."""
    record = read_json(folder / RECORD)
    return Held(name or _name_of(folder), folder, look_into(folder), record, added)


def _name_of(folder: Path) -> str:
    """Return the folder's name; of one in the hub's cache, the repository's."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.split("--")[-1]
    return folder.name
