"""What can go wrong between a client and a server of this API.

RetakeAPIError        the server said no, or something in between did
├── AuthError         the key is missing, wrong, or may not do this (401, 403)
├── NotFound          no such request, model, file or route (404)
├── RateLimited       too much at once (429); `retry_after` says how long to wait
├── RequestFailed     the request was accepted and could not be done; `request` has the record
├── Cancelled         the request was cancelled; `request` has the record
├── Timeout           it took longer than the caller wanted to wait; the request goes on
└── ConnectionLost    the server could not be reached, or the connection broke

Codes of the server come through as they are (docs/errors.md); those of the client are listed there
too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.client.results import Request


class RetakeAPIError(RetakeError):
    """A call of the API did not do what it was to do.

    Attributes:
        status: The HTTP status; None where there was no answer.
        detail: What the server says about it; as long as it likes.
        request_id: The request that it is about; None when there is none.
        raw: The answer's JSON object as it came; empty when there was none.
    """

    kind: ClassVar[str] = "api_error"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retryable: bool = False,
        status: int | None = None,
        detail: str | None = None,
        request_id: str | None = None,
        raw: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message, param=param, retryable=retryable)
        self.status = status
        self.detail = detail or message
        self.request_id = request_id
        self.raw: Mapping[str, Any] = raw or {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


class AuthError(RetakeAPIError):
    """The key is missing, wrong, or may not do this."""


class NotFound(RetakeAPIError):
    """There is no such request, model, file or route."""


class RateLimited(RetakeAPIError):
    """Too much was asked at once. `retry_after` is in seconds; None when the server did not say."""

    retry_after: float | None = None


class RequestFailed(RetakeAPIError):
    """The request was accepted and could not be done; `request` is its record."""

    request: Request | None = None


class Cancelled(RetakeAPIError):
    """The request was cancelled; `request` is its record."""

    request: Request | None = None


class Timeout(RetakeAPIError):
    """It took longer than the caller wanted to wait. The request itself goes on."""


class ConnectionLost(RetakeAPIError):
    """The server could not be reached, or the connection broke before the answer was whole.

    Attributes:
        sent: Whether any of the call may have reached the server.
    """

    sent: bool = True


def _rebuilt(cls: type[RetakeAPIError], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error
