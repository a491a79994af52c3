"""What tells webhooks, put together from the settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.api.parts import ApiParts
    from retake.queue.webhooks import Attempt
    from retake.settings import Settings
    from retake.steps.notify import Notifier
    from retake.telemetry.metrics import Metrics

_DAY_S = 24 * 3600


def webhooks_in(data_dir: Path) -> str | None:
    """Return in a line how the webhooks of a data folder stand; None where there is nothing yet."""
    from retake.queue.webhooks.summary import summary

    found = summary(data_dir.expanduser() / "requests.sqlite")
    return None if found is None else str(found)


def make_notifier(chosen: Settings, parts: ApiParts) -> Notifier:
    """Return what delivers the messages of `parts`' requests; it is not started yet."""
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
        told=_counted(parts.metrics, chosen.data_dir),
    )


def _counted(metrics: Metrics, data_dir: Path) -> Callable[[Attempt], None]:
    """Return what counts a try in the metrics; how many messages wait is told there, too."""
    from prometheus_client import Counter

    from retake.queue.webhooks.summary import summary

    tries = Counter(
        "retake_webhook_tries",
        "Tries to deliver a message to a webhook, by whether it was taken",
        ["taken"],
        registry=metrics.registry,
    )

    def waiting() -> int:
        found = summary(data_dir.expanduser() / "requests.sqlite")
        return 0 if found is None else found.waiting

    what = "Messages to webhooks that wait to be delivered, or to be tried again"
    metrics.gauge("retake_webhook_messages_waiting", what, waiting)
    return lambda attempt: tries.labels("yes" if attempt.good else "no").inc()
