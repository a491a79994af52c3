"""A server for one program alone: on this machine, on a free port, gone when that program is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from retake.core.errors import RetakeError, StorageFailed

_LISTENS = re.compile(r"listens on (http://\S+)")
_MOST = 16
"""So many programs of one user may have a server of their own."""
_START_S = 60.0
_STOP_S = 20.0

_OWN = ("--database", "sqlite")
"""Whatever the environment says: its keys and requests are the user's alone."""


class OwnServer:
    """`retake serve` as a child. It is started at once, and used when it is ready.

    It keeps its requests in a folder of the user's, and takes up there what had not ended.

    Args:
        data_dir: The folder; one beside the user's own server's when None.
    """

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._ready = threading.Event()
        self._address: tuple[str, str] | None = None
        self._error = StorageFailed("no_own_server", "the server of its own did not start")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._start, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ready.wait(_START_S)
        if self._process is None:
            return
        # The end of its input is what it waits for; so it ends too when this process is killed.
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def address(self) -> tuple[str, str]:
        """Return the server's URL and a key for it, once it listens.

        Raises:
            StorageFailed: It did not start.
        """
        self._ready.wait(_START_S)
        if self._address is None:
            raise self._error
        return self._address

    def _start(self) -> None:
        try:
            for folder in self._folders():
                process = _started(folder)
                base = _heard(process)
                if base is not None:
                    self._process = process
                    self._address = (base, _key(folder))
                    return
                process.wait()
        except RetakeError as error:
            self._error = StorageFailed(error.code, error.message)
        except OSError as error:
            self._error = StorageFailed("no_own_server", f"it did not start: {error.strerror}")
        finally:
            self._ready.set()

    def _folders(self) -> list[Path]:
        from retake.bootstrap.parts import settings

        if self._data_dir is not None:
            return [self._data_dir]
        usual = settings().data_dir
        # A folder is one server's at a time; several agents may each have one.
        return [usual.with_name(f"{usual.name}-agent{n or ''}") for n in range(_MOST)]


def _started(folder: Path) -> subprocess.Popen[str]:
    serve = [sys.executable, "-m", "retake.cli.main", "serve", "--until-input-ends"]
    return subprocess.Popen(  # noqa: S603 - our own command
        [*serve, "--host", "127.0.0.1", "--port", "0", "--data-dir", str(folder), *_OWN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={name: v for name, v in os.environ.items() if name != "RETAKE_BASE_URL"},
    )


def _heard(process: subprocess.Popen[str]) -> str | None:
    """Return the address that the server says it listens on; None when it ended instead."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        if match := _LISTENS.search(line):
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return match[1]
    return None


def _key(folder: Path) -> str:
    """Return the key of this folder's server, which is made once: it owns the requests there."""
    from retake.bootstrap.parts import settings
    from retake.bootstrap.server import open_keys

    file = folder / "agent.key"
    keys = open_keys(settings(data_dir=folder, database="sqlite"))
    try:
        with suppress(FileNotFoundError):
            known = file.read_text().strip()
            if keys.knows(known):
                return known
        made = keys.create("retake mcp")
    finally:
        keys.close()
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
        stream.write(made)
    part.replace(file)
    return made
