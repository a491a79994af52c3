"""What a step made on one machine is found on another: files go through the shared storage.

A recorded step returns paths of files in the request's work folder. With a shared storage the files
are stored under ``work/REQUEST_ID/`` before the step's result is recorded, and the record names
them without the folder, which another machine has elsewhere. Whoever goes on with the request
brings a file when it needs it and has not got it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from retake.steps.recording import Step
from retake.storage import Storage

COPIES = "stored"
"""The folder below a work folder that holds copies of stored files, each under its stored name."""
_MARK = "retake-work:///"


class WorkFiles(Protocol):
    """The files that steps of one request leave for each other."""

    def bring(self, paths: Iterable[Path | None]) -> None:
        """Make sure that files which a recorded step returned are there; None is no file.

        Raises:
            StorageFailed: One cannot be had.
        """
        ...

    def drop(self, paths: Iterable[Path | None]) -> None:
        """Delete files that no step needs any more."""
        ...


class OnThisMachine:
    """The files of steps that are never handed over."""

    def bring(self, paths: Iterable[Path | None]) -> None:
        """Do nothing: they are there."""

    def drop(self, paths: Iterable[Path | None]) -> None:
        """Delete files."""
        for path in filter(None, paths):
            path.unlink(missing_ok=True)


class HandedOver:
    """The files of a request whose steps may be done by several machines, one after the other.

    Args:
        storage: A shared one.
        request_id: The request.
        work: Its work folder on this machine.
        step: Records steps.
    """

    def __init__(self, storage: Storage, request_id: str, work: Path, step: Step) -> None:
        self._storage = storage
        self._folder = f"work/{request_id}"
        self._work = work
        self._record = step

    def step(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Do a recorded step whose result another machine can use; see `Step`."""

        def portable() -> dict[str, Any]:
            return _mapped(work(), self._given)

        return _mapped(self._record(name, portable), self._taken)

    def bring(self, paths: Iterable[Path | None]) -> None:
        """Bring files that are not here from the storage."""
        for path in filter(None, paths):
            if not path.exists():
                self._storage.bring(self._stored_name(path), path)

    def drop(self, paths: Iterable[Path | None]) -> None:
        """Delete files here and in the storage."""
        for path in filter(None, paths):
            path.unlink(missing_ok=True)
            self._storage.delete_tree(self._stored_name(path))

    def _given(self, text: str) -> str:
        """Store the file that `text` is the path of, and name it without its folder."""
        if not text.startswith(f"{self._work}/"):
            return text
        path = Path(text)
        if path.is_file() and not path.is_relative_to(self._work / COPIES):
            self._storage.put(self._stored_name(path), path)
        return _MARK + path.relative_to(self._work).as_posix()

    def _taken(self, text: str) -> str:
        return str(self._work / text.removeprefix(_MARK)) if text.startswith(_MARK) else text

    def _stored_name(self, path: Path) -> str:
        inside = path.relative_to(self._work)
        if inside.parts[0] == COPIES:
            return Path(*inside.parts[1:]).as_posix()
        return f"{self._folder}/{inside.as_posix()}"


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON-ready value, every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(each, change) for each in value]
    return value
