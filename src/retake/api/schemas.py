"""What a record looks like on the wire: the hosted API's keys, then ours."""

from __future__ import annotations

from typing import Any

from retake.api.links import Links
from retake.api.outcome import success_json
from retake.core.request import Status
from retake.queue.record import Record


def record_json(record: Record, links: Links) -> dict[str, Any]:
    """Return a record as clients read it; its files' URLs are signed anew.

    Timestamps are whole numbers of Unix time: a published client accepts nothing else.
    """
    done = record.outcome or {}
    return {
        "request_id": record.request_id,
        "model": record.model,
        "status": str(record.status),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "queued_at": record.queued_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "org_id": record.key_id,
        "user_id": record.key_id,
        "is_public": False,
        "payload": record.payload,
        "outcome": _outcome(record, links),
        "engine": record.engine,
        "seed": record.seed,
        "warnings": [*record.warnings, *done.get("warnings", [])],
        "notes": done.get("notes", []),
        "progress": record.progress,
        "queue_position": record.queue_position,
        "eta_seconds": record.eta_seconds,
        "cancel_at": record.cancel_at,
        "report": done.get("report"),
        "webhook": _webhook(record),
        **_failure(record),
        **_ran_out(record),
    }


def _outcome(record: Record, links: Links) -> dict[str, Any] | None:
    if record.status is Status.SUCCESS:
        return success_json(record, links)
    if record.status is Status.FAILED:
        return {"error": _message(record)}
    return {} if record.status.terminal else None


def _failure(record: Record) -> dict[str, Any]:
    if record.status is not Status.FAILED:
        return {}
    error = record.error or {}
    message = _message(record)
    return {
        "error": message,
        "reason": message,
        "code": error.get("code", "internal"),
        "param": error.get("param"),
        "detail": message,
        "retryable": bool(error.get("retryable", False)),
    }


def _ran_out(record: Record) -> dict[str, Any]:
    return {"reason": "its time was over (Cancel-After)"} if record.ran_out else {}


def _webhook(record: Record) -> dict[str, Any] | None:
    asked = record.webhook
    return None if asked is None else {"url": asked["url"], "events": asked["events"]}


def _message(record: Record) -> str:
    return str((record.error or {}).get("message") or "the request failed")
