"""Output whose reader has gone, as with ``| head``: the rest of it is dropped, the work goes on.

Dying of a broken pipe, as `cat` does, would lose an edit because nobody read its progress, and
`retake verify` would lose its verdict.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Stream(io.FileIO):
    """A file descriptor that swallows everything once its reader has hung up."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            # Not only this object writes there.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Make standard output and standard error outlive whoever reads them."""
    sys.stdout, sys.stderr = _outliving(sys.stdout), _outliving(sys.stderr)


def _outliving(stream: TextIO) -> TextIO:
    # Consoles have nobody who could hang up, and what stands in for a file in tests has no number.
    if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    try:
        number = stream.fileno()
    except OSError:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(number, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
