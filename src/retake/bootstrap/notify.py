"""What tells webhooks, put together from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.api.parts import ApiParts
    from retake.queue.database.postgres.sole import Duty
    from retake.queue.webhooks import Attempt, Outbox
    from retake.settings import Settings
    from retake.steps.notify import Notifier

_DAY_S = 24 * 3600
_LOOK_AGAIN_S = 10.0


def webhooks_in(data_dir: Path) -> str | None:
    """Return in a line how the webhooks of a data folder stand; None where there is nothing yet."""
    from retake.queue.webhooks.summary import summary

    found = summary(data_dir.expanduser() / "requests.sqlite")
    return None if found is None else str(found)


def webhooks_at(url: str) -> str:
    """Return the same of a PostgreSQL database.

    Raises:
        StorageFailed: It cannot be reached (``database_unreachable``), or has other tables.
    """
    from retake.queue.opening import open_postgres
    from retake.queue.webhooks.summary import summary_of

    database = open_postgres(url)
    try:
        return str(database.read_now(summary_of))
    finally:
        database.close()


def notifying(chosen: Settings, parts: ApiParts) -> Duty:
    """Return what delivers the messages of `parts`' requests; it is not started yet.

    Of several processes on one PostgreSQL database one does it.
    """
    from retake.queue.database.address import postgres_url

    url = postgres_url(chosen.database.get_secret_value())
    if url is None:
        return make_notifier(chosen, parts, _counted(parts, _waiting_in(chosen.data_dir)))
    from retake.queue.database.postgres.sole import Sole

    told = _counted(parts, _Waiting(parts.requests.webhooks.outbox))
    return Sole(url, "retake webhooks", lambda: make_notifier(chosen, parts, told))


def make_notifier(chosen: Settings, parts: ApiParts, told: Callable[[Attempt], None]) -> Notifier:
    """Return what delivers messages; `told` is called with every try."""
    from retake.api.webhooks.answers import message
    from retake.steps.notify import Notifier, Patience

    patience = Patience(
        waits_s=tuple(int(wait) for wait in chosen.webhook_retries_s.split()),
        disable_after_s=chosen.webhook_disable_days * _DAY_S,
        keep_s=chosen.webhook_keep_days * _DAY_S,
    )
    return Notifier(
        parts.requests.webhooks,
        lambda delivery: message(parts, delivery),
        timeout_s=chosen.webhook_timeout_s,
        allow_private=chosen.fetch_allow_private,
        patience=patience,
        now=parts.now,
        told=told,
    )


def _counted(parts: ApiParts, waiting: Callable[[], int]) -> Callable[[Attempt], None]:
    """Return what counts a try in the metrics; how many messages wait is told there, too."""
    from prometheus_client import Counter

    tries = Counter(
        "retake_webhook_tries",
        "Tries to deliver a message to a webhook, by whether it was taken",
        ["taken"],
        registry=parts.metrics.registry,
    )
    what = "Messages to webhooks that wait to be delivered, or to be tried again"
    parts.metrics.gauge("retake_webhook_messages_waiting", what, waiting)
    return lambda attempt: tries.labels("yes" if attempt.good else "no").inc()


def _waiting_in(data_dir: Path) -> Callable[[], int]:
    """Return what counts the messages that wait in a data folder."""
    from retake.queue.webhooks.summary import summary

    def waiting() -> int:
        found = summary(data_dir.expanduser() / "requests.sqlite")
        return 0 if found is None else found.waiting

    return waiting


class _Waiting:
    """Counts the messages that wait on a database elsewhere: as they were at the last look.

    Whoever asks is not kept waiting; a look begins when one asks and the last is a while ago.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._count = 0
        self._looked_at = -_LOOK_AGAIN_S
        self._look: asyncio.Task[None] | None = None

    def __call__(self) -> int:
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            if loop.time() - self._looked_at > _LOOK_AGAIN_S:
                self._looked_at = loop.time()
                self._look = loop.create_task(self._count_again())
        return self._count

    async def _count_again(self) -> None:
        with suppress(RetakeError):
            self._count = await self._outbox.count_waiting()
