"""What a cancel leaves behind, and requests whose time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from retake.core.request import Status
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from tests.databases import Place

SUCCESS: dict[str, Any] = {"status": "success", "outcome": {"files": {}}}


def new(request_id: str, cancel_at: int | None = None) -> NewRequest:
    return NewRequest(request_id, "key", "retake", "vfx", {}, "url:x", 1, cancel_at=cancel_at)


def before(moment: int, seconds: float) -> Callable[[], float]:
    """Return a clock that shows `moment` in so many seconds."""
    began = time.monotonic()
    return lambda: moment - seconds + time.monotonic() - began


async def status(requests: Requests, request_id: str) -> Status:
    record = await requests.get(request_id, "key")
    assert record is not None
    return record.status


class Link:
    """Plays the supervisor: notes what it is told to cancel."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    def wake(self) -> None:
        return

    def cancel(self, request_id: str) -> bool:
        self.cancelled.append(request_id)
        return True


async def begin(requests: Requests, request_id: str) -> None:
    await requests.create(new(request_id))
    assert requests.dispatch.admit() == request_id
    assert await requests.dispatch.begun(request_id)


@pytest.mark.parametrize(
    ("result", "removed"),
    [
        (SUCCESS, []),
        ({"status": "cancelled"}, ["r1"]),
        ({"status": "failed", "error": {"code": "x"}}, ["r1"]),
        ({"status": "nonsense"}, ["r1"]),
    ],
)
def test_what_ends_without_a_result_leaves_no_files(
    place: Place, result: dict[str, Any], removed: list[str]
) -> None:
    discarded: list[str] = []

    async def scenario() -> None:
        requests = place.requests(discard=discarded.append)
        await begin(requests, "r1")
        await requests.dispatch.ended("r1", result)
        await requests.dispatch.ended("r1", {"status": "cancelled"})
        assert discarded == removed
        requests.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("success_first", [True, False])
def test_a_cancel_that_comes_too_late_removes_nothing(place: Place, success_first: bool) -> None:
    discarded: list[str] = []

    async def scenario() -> None:
        requests = place.requests(discard=discarded.append)
        for n in range(8):
            request_id = f"r{n}"
            await begin(requests, request_id)
            ends = [
                requests.dispatch.ended(request_id, SUCCESS),
                requests.cancel(request_id, "key"),
                requests.dispatch.ended(request_id, {"status": "cancelled"}),
            ]
            await asyncio.gather(*(ends if success_first else reversed(ends)))
            cancelled = await status(requests, request_id) is Status.CANCELLED
            assert (request_id in discarded) == cancelled
        requests.close()

    asyncio.run(scenario())


def test_what_was_to_stop_when_the_server_went_down_leaves_no_files(place: Place) -> None:
    discarded: list[str] = []

    async def scenario() -> None:
        requests = place.requests()
        requests.dispatch.attach(Link())
        await begin(requests, "r1")
        await requests.cancel("r1", "key")
        await begin(requests, "r2")
        assert await status(requests, "r1") is Status.PROCESSING
        requests.close()
        requests = place.requests(discard=discarded.append)
        assert await status(requests, "r1") is Status.CANCELLED
        assert discarded == ["r1"]
        requests.close()

    asyncio.run(scenario())


def test_a_request_whose_time_is_over_is_cancelled_waiting_or_running(place: Place) -> None:
    async def scenario() -> None:
        now = [999.0]
        requests = place.requests(now=lambda: now[0], slots=2)
        link = Link()
        requests.dispatch.attach(link)
        for name in ("running", "ended", "waiting"):
            await requests.create(new(name, 1000))
        await requests.create(new("patient", 1001))
        await requests.create(new("endless"))
        for name in ("running", "ended"):
            assert requests.dispatch.admit() == name
            await requests.dispatch.begun(name)
        await requests.dispatch.ended("ended", SUCCESS)
        now[0] = 1000.0
        waited = await requests.wait("waiting", 5)
        assert (waited.status, waited.ran_out, waited.finished_at) == (Status.CANCELLED, True, 1000)
        assert "running" in link.cancelled
        assert await status(requests, "running") is Status.PROCESSING
        await requests.dispatch.ended("running", {"status": "cancelled"})
        assert await status(requests, "ended") is Status.SUCCESS
        assert {await status(requests, name) for name in ("patient", "endless")} == {Status.QUEUED}
        await requests.cancel("patient", "key")
        record = await requests.get("patient", "key")
        assert record is not None
        assert not record.ran_out
        requests.close()

    asyncio.run(scenario())


def test_a_deadline_holds_over_a_restart(place: Place) -> None:
    async def scenario() -> None:
        requests = place.requests(now=lambda: 990.0)
        await requests.create(new("past", 995))
        await requests.create(new("soon", 1000))
        await requests.create(new("later", 2000))
        requests.close()
        requests = place.requests(now=before(1000, 0.1))
        requests.watch_deadlines()
        for name in ("past", "soon"):
            assert (await requests.wait(name, 5)).status is Status.CANCELLED
        assert await status(requests, "later") is Status.QUEUED
        requests.close()

    asyncio.run(scenario())
