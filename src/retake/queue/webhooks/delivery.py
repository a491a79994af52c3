"""A message to one URL, and every try to deliver it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How far a message has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try.

    Attributes:
        at: When it began, in Unix time.
        took_ms: How long it took, in milliseconds.
        status_code: The HTTP status that came back; None when none did.
        code: What went wrong, for programs; None when nothing did.
        error: The same as a sentence.
        answer: The beginning of the answer's body.
    """

    at: int
    took_ms: int
    status_code: int | None
    code: str | None
    error: str | None
    answer: str = ""

    @property
    def good(self) -> bool:
        """Whether the message was taken."""
        return self.code is None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one URL. Moments are Unix time in whole seconds.

    Attributes:
        delivery_id: Its id, the same in every try: receivers know a message again by it.
        key_id: Whose it is.
        webhook_id: The webhook that it goes to; None when the request brought its own.
        url: Where it goes.
        lane: See `Target`.
        base: See `Target`.
        request_id: What it tells of; None for a ``ping``.
        event: What it tells.
        stage: The stage that was entered, for a ``stage``.
        created_at: When that happened.
        state: Whether it was delivered.
        tries: How often it was tried, since it was last begun anew by hand.
        next_at: When it is tried next; None when it is not.
        attempts: The tries, oldest first; of many the last ones.
        place: Its number in the order of all.
    """

    delivery_id: str
    key_id: str
    webhook_id: str | None
    url: str
    lane: str
    base: str
    request_id: str | None
    event: str
    stage: str | None
    created_at: int
    state: State
    tries: int
    next_at: int | None
    attempts: tuple[Attempt, ...]
    place: int


def delivery_of(row: Any) -> Delivery:
    """Return the delivery that a whole row of `deliveries` holds."""
    return Delivery(
        delivery_id=row["delivery_id"],
        key_id=row["key_id"],
        webhook_id=row["webhook_id"],
        url=row["url"],
        lane=row["lane"],
        base=row["base"],
        request_id=row["request_id"],
        event=row["event"],
        stage=row["stage"],
        created_at=row["created_at"],
        state=State(row["status"]),
        tries=row["tries"],
        next_at=row["next_at"],
        attempts=tuple(Attempt(**each) for each in json.loads(row["attempts"])),
        place=row["seq"],
    )
