"""What fal's clients send, in the words of a submit."""

from __future__ import annotations

import math
import re
from typing import Any

from fastapi import Request

from retake.api.catalogue import ModelInfo
from retake.api.errors import Refusal
from retake.api.query import one
from retake.core.errors import BadRequest

PARAMETERS = {"video_url": "video_uri", "retake_mode": "mode"}
"""The names that fal has for ours."""
_APP = re.compile(r"fal-ai/ltx-(?:2|2\.3)/retake-video")
_TIMEOUT = re.compile(r"\d{1,7}(?:\.\d{1,9})?", re.ASCII)
_PRIORITIES = {"normal", "low"}


def submit_of(
    request: Request, app: str, body: dict[str, Any], models: tuple[ModelInfo, ...]
) -> dict[str, Any]:
    """Return the submit that a call of `app` with `body` means.

    ``X-Fal-Request-Timeout`` becomes ``Cancel-After``, which who accepts the request reads;
    ``fal_webhook`` a webhook that is told in fal's form.

    Raises:
        Refusal: There is no such app (404).
        BadRequest: A header or a parameter is malformed.
    """
    model = _model(app, models)
    _check_headers(request)
    payload: dict[str, Any] = {}
    for name, value in body.items():
        ours = PARAMETERS.get(name, name)
        if ours in payload or (ours != name and ours in body):
            raise BadRequest(
                "duplicate_key", f"{name} and {ours} mean the same; accepted is one", param=name
            )
        payload[ours] = value
    url = one(request, "fal_webhook")
    webhook = {} if url is None else {"webhook": {"url": url, "form": "fal"}}
    return {"model": model, "payload": payload, **webhook}


def _model(app: str, models: tuple[ModelInfo, ...]) -> str:
    if _APP.fullmatch(app):
        return models[0].model_id
    last = app.rpartition("/")[2]
    for model in models:
        if app.count("/") == 1 and model.model_id == last:
            return last
    accepted = ", ".join(["fal-ai/ltx-2/retake-video", *(f"retake/{m.model_id}" for m in models)])
    raise Refusal(
        "unknown_model",
        f"model {app[:80]} does not exist; accepted is one of {accepted}",
        param="model",
    )


def _check_headers(request: Request) -> None:
    headers = request.headers
    priority = headers.get("x-fal-queue-priority", "normal")
    if priority not in _PRIORITIES:
        raise BadRequest(
            "bad_priority",
            f"X-Fal-Queue-Priority is {priority[:40]!a}; accepted is normal or low",
            param="X-Fal-Queue-Priority",
        )
    if "queue-priority" not in headers:
        request.scope["headers"].append((b"queue-priority", priority.encode()))
    timeout = headers.get("x-fal-request-timeout")
    if timeout is None:
        return
    if _TIMEOUT.fullmatch(timeout) is None:
        raise BadRequest(
            "bad_cancel_after",
            f"X-Fal-Request-Timeout is {timeout[:40]!a}; accepted is a number of seconds",
            param="X-Fal-Request-Timeout",
        )
    seconds = str(math.ceil(float(timeout)))
    request.scope["headers"].append((b"cancel-after", seconds.encode()))
