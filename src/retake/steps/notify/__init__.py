"""Notify: what happened to a request is told to those who asked for it, until they have heard."""

from retake.steps.notify.notifier import Message, Notifier
from retake.steps.notify.retries import Patience

__all__ = ["Message", "Notifier", "Patience"]
