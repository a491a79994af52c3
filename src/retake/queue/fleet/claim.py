"""What a claim is, and what a worker can do."""

from __future__ import annotations

from dataclasses import dataclass

PROTOCOL = 1
"""What this program's workers know: raised when a request may need a step that older ones lack."""


@dataclass(frozen=True, slots=True)
class Able:
    """What a worker can do.

    Attributes:
        worker: Its name, which no other worker has or had.
        engines: The engines that it can make sections with.
        slots: How many requests it works on at once.
        protocol: What it knows; it gets no request that needs more.
    """

    worker: str
    engines: tuple[str, ...]
    slots: int = 1
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that a worker has.

    Attributes:
        request_id: Which.
        attempt: How often the request has been claimed: the number that fences off all others.
        stage: The stage that an earlier attempt had reached; None for none.
    """

    request_id: str
    attempt: int
    stage: str | None = None
