"""Webhooks on the disk: who wants to be told of what, and what has been told so far."""

from retake.queue.webhooks.delivery import Attempt, Delivery, State
from retake.queue.webhooks.endpoints import Endpoints
from retake.queue.webhooks.outbox import Outbox
from retake.queue.webhooks.target import EVENTS, Target, Webhook
from retake.queue.webhooks.webhooks import Webhooks

__all__ = [
    "EVENTS",
    "Attempt",
    "Delivery",
    "Endpoints",
    "Outbox",
    "State",
    "Target",
    "Webhook",
    "Webhooks",
]
