"""The calls that come by the thousand, answered without the framework's routing.

FastAPI matches every route in turn and solves its dependencies for each call, which costs more than
looking at a request does. Submitting a request and looking at one go straight to the very functions
that their routes name; every other call, and whatever is odd about these, takes the usual way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from retake.api.answer import Json
from retake.api.auth import key_of
from retake.api.errors import on_retake_error, surprised
from retake.api.requests import get_request, submit
from retake.api.watched import ROUTE
from retake.core.errors import RetakeError

_COLLECTION = "/requests"
_ONE = "/requests/{request_id}"


class Express:
    """Answers these calls itself and passes on the others.

    Args:
        app: What answers the others.
        prefixes: Where the API is.
    """

    def __init__(self, app: FastAPI, prefixes: Sequence[str]) -> None:
        self._app = app
        self._collections = {f"{prefix}{_COLLECTION}" for prefix in prefixes}
        start = "|".join(re.escape(prefix) for prefix in prefixes)
        self._one = re.compile(rf"(?:{start})/requests/(?P<request_id>[0-9a-f]{{32}})")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] == "http":
            method, path = scope["method"], scope["path"]
            scope["app"] = self._app
            if method == "POST" and path in self._collections:
                scope[ROUTE] = _COLLECTION
                await _answer(Request(scope, receive), send, None)
                return
            if method == "GET" and (match := self._one.fullmatch(path)):
                scope[ROUTE] = _ONE
                await _answer(Request(scope, receive), send, match["request_id"])
                return
        await self._app(scope, receive, send)


async def _answer(request: Request, send: Send, request_id: str | None) -> None:
    answer: Json
    try:
        caller = await key_of(request)
        if request_id is None:
            answer = await submit(request, caller)
        else:
            answer = await get_request(request, request_id, caller)
    except RetakeError as error:
        answer = await on_retake_error(request, error)
    except Exception:
        # Raised on to uvicorn, which logs it.
        await surprised()(request.scope, request.receive, send)
        raise
    await answer(request.scope, request.receive, send)
