"""The data folder: what lies where in it, and that only one server uses it at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from pathlib import Path
from types import TracebackType

from retake.core.errors import StorageFailed

_log = logging.getLogger(__name__)

_LAST_CHILD_S = 10.0


class DataDir:
    """A server's folder; made, for its owner only, when it is not there.

    Entering it locks it; the lock goes with the process, however that ends:

        with DataDir(path) as data_dir: ...

    Attributes:
        path: The folder.
        requests: SQLite file of the requests; written by the server only.
        steps: SQLite file of the recorded steps (DBOS); written by the engine child only.
        keys: SQLite file of the API keys.
        work: Where requests are worked on; one folder for each.
        files: Uploads and outputs.
        secret: File of the key that signs URLs.

    Raises:
        StorageFailed: The folder cannot be made or written (``data_dir_unusable``); on entering,
            another server uses it (``data_dir_locked``).
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.requests = self.path / "requests.sqlite"
        self.steps = self.path / "dbos.sqlite"
        self.keys = self.path / "keys.sqlite"
        self.work = self.path / "work"
        self.files = self.path / "files"
        self.secret = self.path / "secret"
        self._lock_fd: int | None = None
        self._steps_fd: int | None = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.work.mkdir(exist_ok=True)
            self.files.mkdir(exist_ok=True)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def __enter__(self) -> DataDir:
        fd = self._open_lock("lock")
        if not _flock(fd):
            os.close(fd)
            raise StorageFailed(
                "data_dir_locked",
                f"another server uses the data folder {self.path}; accepted is a folder of its own",
                param="data_dir",
                retryable=True,
            )
        self._lock_fd = fd
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._lock_fd is not None:
            # Closing would do, but not before a process that is just being started has closed it.
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
            os.close(self._lock_fd)
            self._lock_fd = None

    def lock_steps(self) -> None:
        """Let the engine child own the recorded steps until it ends.

        The child of a server that was killed may need a moment to notice; it is waited for.
        """
        fd = self._steps_fd = self._open_lock("dbos.lock")
        until = time.monotonic() + _LAST_CHILD_S
        while not _flock(fd):
            if time.monotonic() > until:
                # Stopped, maybe, or a process that it left behind: DBOS fences what it records.
                _log.warning("another engine child has not ended; going on without its lock")
                return
            time.sleep(0.02)

    def _open_lock(self, name: str) -> int:
        try:
            # Not inherited by what is started: a process left behind would keep the lock.
            return os.open(self.path / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error


def _flock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unusable(path: Path, error: OSError) -> StorageFailed:
    return StorageFailed(
        "data_dir_unusable",
        f"the data folder {path} cannot be used: {error.strerror}; accepted is a folder that this "
        "user may write to",
        param="data_dir",
    )
