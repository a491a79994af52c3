"""Exit codes, documented in the README and in `retake edit --help`."""

from __future__ import annotations

from enum import IntEnum

from retake.core.errors import BadRequest, BadSource, Cancelled, EngineFailed, RetakeError


class Exit(IntEnum):
    """What the process's exit code tells a script."""

    OK = 0
    INTERNAL = 1
    """A fault of retake itself."""
    USAGE = 2
    """A parameter is wrong, or an output exists and --force was not given."""
    SOURCE = 3
    """The video cannot be fetched or used."""
    ENGINE = 4
    """The engine could not make the section."""
    OUTPUT = 5
    """The new file could not be made, verified or written."""
    DIFFERENT = 6
    """`retake verify`: outside one section, something is not the source's own."""
    SERVER = 7
    """The server cannot be reached, has no time, or made a mistake."""
    CANCELLED = 130
    """Stopped by Ctrl-C or SIGTERM."""


def exit_for(error: RetakeError) -> Exit:
    """Return the exit code that `error` ends the process with."""
    match error:
        case BadRequest():
            return Exit.USAGE
        case BadSource():
            return Exit.SOURCE
        case EngineFailed():
            return Exit.ENGINE
        case Cancelled():
            return Exit.CANCELLED
        case _:
            return Exit.OUTPUT
