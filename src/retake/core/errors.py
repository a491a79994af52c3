"""The error tree: what went wrong, with which parameter, and whether trying again can help.

RetakeError
├── BadRequest      the request itself: a parameter, a body, a command line
├── BadSource       the video cannot be used: not a video, damaged, too long, too large
│   └── FetchFailed the video could not be brought here
├── EngineFailed    the engine could not make the section
├── RenderFailed    the new file could not be made or did not pass its own verification
├── StorageFailed   a file could not be written: it exists, the disk is full, no permission
└── Cancelled       somebody asked for it to stop

Messages are for the person who made the request: what was found, and what would be accepted.
`code` is stable and meant for programs; every code is listed in docs/errors.md.
"""

from __future__ import annotations

from typing import Any, ClassVar


class RetakeError(Exception):
    """An error that a user can be told as it is.

    Args:
        code: Stable, lower-case identifier, such as ``too_long``.
        message: One sentence: what was found and what is accepted. No stack trace, no path of
            the server.
        param: The wire name of the parameter at fault, such as ``start_time``; None when no
            single parameter is.
        retryable: Whether the same request may succeed later without being changed.
    """

    kind: ClassVar[str] = "error"

    def __init__(
        self, code: str, message: str, *, param: str | None = None, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.retryable = retryable

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-ready values, for pipes, records and answers."""
        return {
            "kind": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "retryable": self.retryable,
        }

    @staticmethod
    def from_dict(value: dict[str, Any]) -> RetakeError:
        """Rebuild the error that `to_dict` described; an unknown kind gives a plain RetakeError."""
        cls = _KINDS.get(value["kind"], RetakeError)
        return cls(
            value["code"], value["message"], param=value["param"], retryable=value["retryable"]
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # The default reduction passes only the message to __init__, which takes two arguments.
        return (RetakeError.from_dict, (self.to_dict(),))


class BadRequest(RetakeError):
    """The request itself is wrong."""

    kind = "bad_request"


class BadSource(RetakeError):
    """The video cannot be used."""

    kind = "bad_source"


class FetchFailed(BadSource):
    """The video could not be brought here."""

    kind = "fetch_failed"


class EngineFailed(RetakeError):
    """The engine could not make the section."""

    kind = "engine_failed"


class RenderFailed(RetakeError):
    """The new file could not be made, or did not pass its own verification."""

    kind = "render_failed"


class StorageFailed(RetakeError):
    """A file could not be written."""

    kind = "storage_failed"


class Cancelled(RetakeError):
    """Somebody asked for the work to stop."""

    kind = "cancelled"

    def __init__(
        self,
        code: str = "cancelled",
        message: str = "The request was cancelled.",
        *,
        param: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(code, message, param=param, retryable=retryable)


def wrong_type(param: str, value: object, accepted: str) -> BadRequest:
    """Return the error for a parameter of another type than `accepted`, in words."""
    found = "null" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
    return BadRequest("wrong_type", f"{param} is {found}; accepted is {accepted}", param=param)


_KINDS: dict[str, type[RetakeError]] = {
    cls.kind: cls
    for cls in (
        BadRequest,
        BadSource,
        FetchFailed,
        EngineFailed,
        RenderFailed,
        StorageFailed,
        Cancelled,
    )
}
