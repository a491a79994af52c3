from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from retake.api.webhooks.answers import message
from retake.steps.notify import Notifier
from retake.steps.notify.lanes import Width
from tests.api.live import API, MODEL, PAYLOAD, Live
from tests.webhooks.receiver import Receiver, until


class Clock:
    """The wall's clock, which a test may move on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Telling(Live):
    """A server that tells webhooks."""

    def __init__(self, folder: Path, width: Width | None = None, **settings: Any) -> None:
        self.clock = Clock()
        super().__init__(folder, clock=self.clock, **{"allow_private": True, **settings})
        self.width = width
        self.notifier = self.call(self._notifier)

    def _notifier(self) -> Notifier:
        notifier = self.new_notifier()
        notifier.start()
        return notifier

    def new_notifier(self) -> Notifier:
        return Notifier(
            self.requests.webhooks,
            lambda delivery: message(self.parts, delivery),
            timeout_s=2,
            allow_private=self.parts.allow_private,
            width=self.width,
            now=self.clock,
            resolve=self.parts.resolve,
        )

    def close(self) -> None:
        self.do(self.notifier.stop())
        super().close()

    def move_on(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.ahead_s += seconds
        self.call(self.notifier.wake)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.client.post(f"{API}{path}", json=body, **more)

    def get(self, path: str) -> Any:
        answer = self.client.get(f"{API}{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def webhook(self, url: str, **more: Any) -> dict[str, Any]:
        """Make a webhook of the key."""
        answer = self.post("/webhooks", {"url": url, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def ask(self, **more: Any) -> str:
        """Submit a request; returns its id."""
        body = {"model": MODEL, "payload": PAYLOAD, **more}
        answer = self.post("/requests", body, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, answer.text
        return answer.json()["request_id"]

    def done(self, **more: Any) -> str:
        """Submit a request and bring it to its success; returns its id."""
        request_id = self.ask(**more)
        self.finish(self.take())
        return request_id

    def deliveries(self, request_id: str) -> list[dict[str, Any]]:
        return self.get(f"/requests/{request_id}/deliveries")["deliveries"]

    def tried(self, request_id: str, times: int) -> dict[str, Any]:
        """Return a request's only delivery once it has been tried so many times."""
        return until(
            lambda: next(
                (d for d in self.deliveries(request_id) if len(d["attempts"]) >= times), None
            )
        )


@pytest.fixture
def telling(tmp_path: Path) -> Iterator[Telling]:
    with closing(Telling(tmp_path)) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server
