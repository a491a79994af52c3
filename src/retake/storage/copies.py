"""Copies of remote files on this machine's disk, for what needs a path; bounded in size."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from retake.storage.faults import told
from retake.storage.storage import Stat

_UNUSED_S = 3600


class Copies:
    """The copies of one machine. Several processes may use the same folder.

    Whoever uses a copy has a link of its own to it: that it is removed meanwhile to make room does
    not matter, and what a killed process used is found.

    Args:
        folder: Where they lie; made when it is not there.
        most_bytes: How much those that nobody uses may take.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._kept = folder / "kept"
        self._held = folder / "held"
        self._most = most_bytes
        with told():
            self._kept.mkdir(parents=True, exist_ok=True)
            self._held.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def borrowed(self, stored: Stat, fill: Callable[[Path], None]) -> Generator[Path]:
        """Give a copy for as long as the block lasts.

        Args:
            stored: What is copied; another content is another copy.
            fill: Brings the file to a path.

        Raises:
            StorageFailed: It cannot be written.
        """
        ending = PurePath(stored.name).suffix
        known = hashlib.sha256(f"{stored.name}\n{stored.etag}".encode()).hexdigest()[:40]
        kept, held = self._kept / f"{known}{ending}", self._new(ending)
        try:
            with told():
                if not self._link(kept, held):
                    fill(held)
                    with suppress(FileExistsError):
                        kept.hardlink_to(held)
                    self.tidy()
            yield held
        finally:
            with suppress(OSError):
                held.unlink(missing_ok=True)

    @contextmanager
    def unfinished(self, ending: str = "") -> Generator[Path]:
        """Give where a file may be written; it is gone when the block ends."""
        part = self._new(ending)
        try:
            yield part
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what killed processes held; only while nobody holds anything."""
        shutil.rmtree(self._held, ignore_errors=True)
        self._held.mkdir(parents=True, exist_ok=True)

    def _new(self, ending: str) -> Path:
        return self._held / f"{secrets.token_hex(16)}{ending}"

    @staticmethod
    def _link(kept: Path, held: Path) -> bool:
        try:
            held.hardlink_to(kept)
        except FileNotFoundError:
            return False
        # When it was last used is what its time says.
        os.utime(held)
        return True

    def tidy(self) -> None:
        """Remove copies that were not used for an hour, and as many more as there is no room for.

        What was removed from the storage so is nowhere else for long.
        """
        found: list[tuple[float, int, Path]] = []
        for path in self._kept.iterdir():
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        left, old = sum(size for _, size, _ in found), time.time() - _UNUSED_S
        for used, size, path in sorted(found):
            if left <= self._most and used > old:
                return
            with suppress(OSError):
                path.unlink()
            left -= size
