"""The headers of a message: Standard Webhooks 1.0.0, "Webhook Headers" and "Signature Scheme"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from retake import __version__


def signed_headers(message_id: str, at: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers that go out with a message.

    Args:
        message_id: The same in every try.
        at: When this try is made, in Unix time: receivers refuse what is minutes old.
        body: What is sent, byte for byte.
        secrets: Those in force; there is a signature of each.
    """
    moment, text = datetime.fromtimestamp(at, UTC), body.decode()
    signatures = (Webhook(secret).sign(message_id, moment, text) for secret in secrets)
    return {
        "Content-Type": "application/json",
        "User-Agent": f"retake/{__version__} (webhooks)",
        "Accept-Encoding": "identity",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }
