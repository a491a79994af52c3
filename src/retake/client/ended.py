"""What the end of a request means to who waited for it."""

from __future__ import annotations

from retake.client.errors import Cancelled, RequestFailed
from retake.client.results import Request
from retake.core.request import Status


def succeeded(record: Request) -> Request:
    """Return a record that has ended well.

    Raises:
        RequestFailed: It failed.
        Cancelled: It was cancelled.
    """
    if record.status == Status.CANCELLED:
        reason = f": {record.error}" if record.error else ""
        gone = Cancelled(
            "cancelled", f"request {record.id} was cancelled{reason}", request_id=record.id
        )
        gone.request = record
        raise gone
    if record.status == Status.FAILED:
        failed = RequestFailed(
            record.code or "internal",
            record.error or "the request failed; the server does not say why",
            param=record.param,
            retryable=record.retryable,
            request_id=record.id,
            raw=record.raw,
        )
        failed.request = record
        raise failed
    return record
