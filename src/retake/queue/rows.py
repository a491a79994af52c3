"""From a row of the requests' table to a record."""

from __future__ import annotations

import json
from typing import Any

import orjson

from retake.core.request import Status
from retake.queue.record import NewRequest, Record

# Asking the class is slow, and pages have a hundred of them.
_STATUSES = {status.value: status for status in Status}


def record_of(row: Any) -> Record:
    """Return the record that a whole row of `requests` holds."""
    return Record(
        request_id=row["request_id"],
        key_id=row["key_id"],
        model=row["model"],
        engine=row["engine"],
        status=_STATUSES[row["status"]],
        payload=loads(row["payload"]),
        source_ref=row["source_ref"],
        seed=row["seed"],
        warnings=tuple(_list(row["warnings"])),
        created_at=row["created_at"],
        queued_at=row["queued_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        outcome=None if row["outcome"] is None else loads(row["outcome"]),
        error=None if row["error"] is None else loads(row["error"]),
        cancel_at=row["cancel_at"],
        stages=tuple((str(stage), int(at)) for stage, at in _list(row["stages"])),
        stage=row["stage"],
        place=row["seq"],
        trace=row["trace"],
        priority=row["priority"],
        needs=row["needs"],
        puts=None if row["puts"] is None else loads(row["puts"]),
        files_removed_at=row["files_removed_at"],
        webhook=None if row["webhook"] is None else loads(row["webhook"]),
    )


def record_of_new(new: NewRequest, now: int, place: int) -> Record:
    """Return the record of a request that was stored a moment ago, as reading it back would."""
    return Record(
        request_id=new.request_id,
        key_id=new.key_id,
        model=new.model,
        engine=new.engine,
        status=Status.QUEUED,
        payload=new.payload,
        source_ref=new.source_ref,
        seed=new.seed,
        warnings=new.warnings,
        created_at=now,
        queued_at=now,
        updated_at=now,
        cancel_at=new.cancel_at,
        place=place,
        trace=new.trace,
        priority=new.priority,
        needs=new.needs,
        puts=new.puts,
        webhook=None if new.webhook is None else new.webhook.to_dict(),
    )


def loads(text: str) -> Any:
    """Return what a text of a row holds, which was JSON when it was stored."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # Half a surrogate pair, a number that is not finite: json stores and reads them.
        return json.loads(text)


def _list(text: str) -> list[Any]:
    # Most are empty, and this is done for every look at a request.
    return [] if text == "[]" else loads(text)
