"""How fal tells a request, its result and what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from retake.api.dialects.fal_body import PARAMETERS
from retake.api.dialects.route import DialectRoute, failure_of, video_of
from retake.api.errors import status_of
from retake.api.links import Links, links_for
from retake.api.parts import ApiParts
from retake.api.sending import shown_name
from retake.core.errors import RetakeError
from retake.core.media_types import media_type
from retake.core.request import Status
from retake.queue.history import history
from retake.queue.record import Record

REQUEST_ID = "X-Fal-Request-Id"
ERROR_TYPE = "X-Fal-Error-Type"
TIMEOUT_TYPE = "X-Fal-Request-Timeout-Type"
_STATUSES = {Status.QUEUED: "IN_QUEUE", Status.PROCESSING: "IN_PROGRESS"}
_TYPES = {"cancelled": "client_cancelled", "ran_out": "request_timeout"}


class FalRoute(DialectRoute):
    """A route whose errors are fal's: of a parameter, a list of them (422); else one sentence."""

    @staticmethod
    def tell(error: RetakeError) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return how fal tells an error."""
        code, kind = status_of(error), error_type(error)
        more = {"code": error.code, "param": error.param, "retryable": error.retryable}
        detail: Any = _in_their_words(error.message)
        if code in {400, 422} and error.param is not None:
            code = 422
            param = _in_their_words(error.param)
            detail = [{"loc": ["body", *param.split(".")], "msg": detail, "type": error.code}]
        # The published client would send a 409 again.
        code = 499 if error.code == "cancelled" else code
        return code, {"detail": detail, "error_type": kind, **more}, {ERROR_TYPE: kind}


def status(request: Request, record: Record, app: str | None = None) -> dict[str, Any]:
    """Return how a request stands; `app` is what it was submitted to, where that is known."""
    told: dict[str, Any] = {
        "status": _STATUSES.get(record.status, "COMPLETED"),
        "request_id": record.request_id,
        **_urls(request, record, app),
        "logs": _logs(record) if _wants_logs(request) else None,
    }
    if record.status is Status.QUEUED:
        told["queue_position"] = record.queue_position or 0
    if record.status.terminal:
        told["metrics"] = _metrics(record)
        if record.status is not Status.SUCCESS:
            error = failure(record)
            told |= {"error": error.message, "error_type": error_type(error)}
    return told


async def result(record: Record, parts: ApiParts, links: Links) -> dict[str, Any]:
    """Return what a request that ended well gave."""
    done = record.outcome or {}
    stored = await video_of(record, parts)
    video = {
        "url": links.file(stored.name),
        "content_type": media_type(stored.name),
        "file_name": await shown_name(parts, stored.name),
        "file_size": stored.size,
    }
    more = {"notes": done.get("notes", []), "warnings": list(record.warnings)}
    return {"video": video, "seed": record.seed, "engine": record.engine, **more}


def failure(record: Record) -> RetakeError:
    """Return why a request that has ended gave nothing."""
    if record.status is not Status.CANCELLED:
        return failure_of(record.error or {})
    if record.ran_out:
        return RetakeError("ran_out", "the request's time was over before it was finished")
    return RetakeError("cancelled", "the request was cancelled")


def error_type(error: RetakeError) -> str:
    """Return fal's name for a kind of error, ours where it has none."""
    return _TYPES.get(error.code, error.code)


def _urls(request: Request, record: Record, app: str | None) -> dict[str, str]:
    params = request.path_params
    owner_and_alias = "/".join((app or "").split("/")[:2])
    if app is None:
        owner_and_alias = f"{params['owner']}/{params['alias']}"
    url = f"{links_for(request).base}/fal/{owner_and_alias}/requests/{record.request_id}"
    return {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}


def _wants_logs(request: Request) -> bool:
    return request.query_params.get("logs", "").lower() in {"1", "true"}


def _logs(record: Record) -> list[dict[str, str]]:
    return [
        {
            "timestamp": datetime.fromtimestamp(event.at, UTC).isoformat(),
            "level": "INFO",
            "source": "retake",
            "message": event.name if event.progress is None else event.progress["stage"],
        }
        for event in history(record)
    ]


def _metrics(record: Record) -> dict[str, float]:
    if record.started_at is None or record.finished_at is None:
        return {}
    return {"inference_time": float(record.finished_at - record.started_at)}


def _in_their_words(text: str) -> str:
    for theirs, ours in PARAMETERS.items():
        if text == ours or text.startswith(f"{ours} "):
            return theirs + text.removeprefix(ours)
    return text
