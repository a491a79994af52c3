"""Routes that tell errors in the shape of somebody else's API."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from retake.api.answer import Json
from retake.api.errors import Refusal, error_response, status_of
from retake.api.files import check_kept
from retake.api.parts import ApiParts
from retake.core.errors import RetakeError
from retake.queue.record import Record
from retake.storage import Stat

_log = logging.getLogger(__name__)


class DialectRoute(APIRoute):
    """A route that answers every error of the house by `tell`."""

    @staticmethod
    def tell(error: RetakeError) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return the status, the body and the further headers that tell an error."""
        raise NotImplementedError

    @classmethod
    def answer(cls, error: RetakeError, headers: Mapping[str, str] | None = None) -> Json:
        """Return the answer that tells an error, with further headers."""
        # What merely took too long (504) is nobody's mistake.
        if status_of(error) >= 500 and status_of(error) != 504:
            _log.error("%s", error.message)
        # What every such answer carries: Retry-After, WWW-Authenticate, Allow.
        usual = error_response(error).headers
        status, body, more = cls.tell(error)
        kept = {n: v for n, v in usual.items() if not n.startswith("content-")}
        return Json(body, status, {**kept, **more, **(headers or {})})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request to this route."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except RetakeError as error:
                return self.answer(error)

        return answered


async def video_of(record: Record, parts: ApiParts) -> Stat:
    """Return what is known of the stored video of a finished request.

    Raises:
        Refusal: It was removed since (410), or is not there (404).
    """
    name: str = (record.outcome or {}).get("files", {}).get("video", "")
    await check_kept(parts, name)
    found = await parts.at_storage(lambda: parts.storage.stat(name)) if name else None
    if found is None:
        raise Refusal("file_not_found", "the video is not there, or no longer")
    return found


def failure_of(error: dict[str, Any]) -> RetakeError:
    """Return the error that a record of a failed request tells."""
    whole = {"kind": "error", "code": "internal", "message": "the request failed"}
    return RetakeError.from_dict({**whole, "param": None, "retryable": False, **error})
