"""Where messages go, and of what: a webhook of a key, or the one that a request brings along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EVENTS = ("queued", "processing", "stage", "success", "failed", "cancelled")
"""What can be told of a request; ``ping`` is told of none."""
ENDS = ("success", "failed", "cancelled")
"""What is told where nothing is said about it: how a request ended."""
PING = "ping"
FORMS = ("retake", "fal")
"""In whose form a request's own webhook may be told."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that is to be told.

    Attributes:
        url: Where messages are sent.
        lane: The key's id and the host: messages to one lane wait for each other, not for others.
        base: How the key's user reaches this server: file URLs in messages begin with it.
        events: Of what it is told; some of `EVENTS`.
        form: In whose form it is told; one of `FORMS`.
    """

    url: str
    lane: str
    base: str
    events: tuple[str, ...] = ENDS
    form: str = "retake"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return {
            "url": self.url,
            "lane": self.lane,
            "base": self.base,
            "events": list(self.events),
            "form": self.form,
        }


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of a key. Moments are Unix time in whole seconds.

    Attributes:
        webhook_id: Its id, which is no secret.
        key_id: Whose it is.
        url: Where messages are sent.
        events: Of what it is told.
        description: The user's own words.
        disabled: Why nothing is sent: ``asked`` by its user, ``gone`` (it answered 410),
            ``failing`` (nothing but failures for days); None while it is enabled.
        created_at: When it was made.
        updated_at: When it was last changed, by its user or by being disabled.
        failing_since: When the first try failed after the last that did not; None when the last
            try succeeded, or there was none.
        succeeded_at: When a message was last delivered.
        old_secret_until: Until when messages are signed with the secret before, too.
    """

    webhook_id: str
    key_id: str
    url: str
    events: tuple[str, ...]
    description: str
    disabled: str | None
    created_at: int
    updated_at: int
    failing_since: int | None
    succeeded_at: int | None
    old_secret_until: int | None
