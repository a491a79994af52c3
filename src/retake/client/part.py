"""A file on its way here: hidden beside its place, or in memory, until it is whole."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from retake.core.errors import BadRequest, StorageFailed


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse a place where no file can appear, before anything is done.

    Raises:
        BadRequest: There is a file or a folder, or no folder to put it in.
    """
    if not output.parent.is_dir():
        raise BadRequest(
            "no_such_folder",
            f"{str(output)!r} lies in a folder that does not exist; make it first",
            param="output",
        )
    if output.is_dir():
        raise BadRequest(
            "is_directory", f"{str(output)!r} is a folder; a file name is accepted", param="output"
        )
    if output.exists() and not overwrite:
        raise BadRequest(
            "output_exists",
            f"{str(output)!r} exists; it is replaced only if told so",
            param="output",
        )


class Part:
    """Takes a file's bytes; `reveal` makes it appear whole.

    Args:
        output: Where it is to appear; None keeps it in memory.

    Raises:
        StorageFailed: Nothing can be written there.
    """

    def __init__(self, output: Path | None) -> None:
        self._output = output
        self._kept: list[bytes] = []
        self._digest: Any = sha256()
        self._path: Path | None = None
        self._stream: BinaryIO | None = None
        self.size = 0
        """Bytes so far."""
        if output is not None:
            self._path = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
            with _told(output):
                self._stream = self._path.open("xb")

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self._stream is None or self._output is None:
            self._kept.append(chunk)
        else:
            with _told(self._output):
                self._stream.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def restart(self) -> None:
        """Forget all bytes so far."""
        self._kept.clear()
        self._digest, self.size = sha256(), 0
        if self._stream is not None and self._output is not None:
            with _told(self._output):
                self._stream.seek(0)
                self._stream.truncate()

    def digest(self) -> str:
        """Return the SHA-256 of the bytes so far, in hexadecimal."""
        return self._digest.hexdigest()

    def reveal(self, *, overwrite: bool) -> bytes | None:
        """Let the file appear at its place; return it if it is in memory.

        Raises:
            StorageFailed: It could not be written, or another one has appeared there meanwhile.
        """
        if self._output is None or self._path is None or self._stream is None:
            return b"".join(self._kept)
        with _told(self._output):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            if overwrite:
                self._path.replace(self._output)
            else:
                _appear(self._path, self._output)
        return None

    def discard(self) -> None:
        """Leave nothing hidden behind."""
        if self._stream is not None and self._path is not None:
            with suppress(OSError):
                self._stream.close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _appear(path: Path, output: Path) -> None:
    try:
        # A link is made only where nothing stands: nobody's file is overwritten.
        output.hardlink_to(path)
    except OSError as error:
        if isinstance(error, FileExistsError) or output.exists():
            raise
        # A file system without links.
        path.rename(output)


@contextmanager
def _told(output: Path) -> Generator[None]:
    try:
        yield
    except FileExistsError as error:
        raise StorageFailed("output_exists", f"{str(output)!r} has appeared meanwhile") from error
    except OSError as error:
        code = "disk_full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "not_writable"
        raise StorageFailed(
            code, f"{str(output)!r} could not be written: {error.strerror}", retryable=True
        ) from error
