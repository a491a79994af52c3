"""Which exit code tells what a server said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retake.cli.exits import Exit, exit_for

if TYPE_CHECKING:
    from retake.core.errors import RetakeError

_OUTPUT = frozenset(
    {
        "disk_full",
        "not_encoded",
        "not_muxed",
        "not_written",
        "output_put_failed",
        "storage",
        "take_mismatch",
        "take_missing",
        "verification_failed",
    }
)


def exit_for_remote(error: RetakeError) -> Exit:
    """Return the exit code for an error of a server, of the way to it, or of this machine."""
    from retake.client import Cancelled, RequestFailed, RetakeAPIError

    if isinstance(error, Cancelled):
        return Exit.CANCELLED
    if not isinstance(error, RetakeAPIError):
        return exit_for(error)
    if error.param == "video_uri":
        return Exit.SOURCE
    if isinstance(error, RequestFailed):
        if error.code in _OUTPUT:
            return Exit.OUTPUT
        return Exit.USAGE if error.param else Exit.ENGINE
    refused = error.status is not None and 400 <= error.status < 500 and error.status != 429
    # Without a status nobody was asked, unless the way there is what failed.
    local = error.status is None and not error.retryable
    return Exit.USAGE if refused or local else Exit.SERVER
