"""Accepting, waiting, cancelling, listing: the requests without an engine child."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retake.core.errors import StorageFailed
from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.listing import Wanted
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from tests.databases import Place


class Clock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


def new(request_id: str, key_id: str = "key", **changes: Any) -> NewRequest:
    values: dict[str, Any] = {
        "model": "ltx-2-pro-retake",
        "engine": "vfx",
        "payload": {"prompt": "boom", "odd \ud800": [1.5, None, "ü"]},
        "source_ref": "url:http://example.org/a.mp4",
        "seed": 2**32 - 1,
        "warnings": ("unknown parameter 'odd' was ignored",),
    }
    return NewRequest(request_id, key_id, **(values | changes))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def requests(place: Place, clock: Clock) -> Iterator[Requests]:
    requests = place.requests(now=clock, clock=clock)
    yield requests
    requests.close()


class Link:
    """Plays the supervisor: notes what it is told."""

    def __init__(self, *, alive: bool = True) -> None:
        self.alive = alive
        self.woken = 0
        self.cancelled: list[str] = []

    def wake(self) -> None:
        self.woken += 1

    def cancel(self, request_id: str) -> bool:
        self.cancelled.append(request_id)
        return self.alive


def test_a_created_request_comes_back_as_it_was_sent(requests: Requests, clock: Clock) -> None:
    async def scenario() -> None:
        sent = new("r1")
        record = await requests.create(sent)
        assert record == await requests.get("r1", "key")
        assert (record.status, record.queue_position) == (Status.QUEUED, 0)
        assert record.created_at == record.queued_at == record.updated_at == clock.time
        for name in NewRequest.__dataclass_fields__:
            assert getattr(record, name) == getattr(sent, name)

    asyncio.run(scenario())


def test_what_create_returns_is_what_was_stored_whatever_it_holds(requests: Requests) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    payload = {"a": [1, 2.5, None, "é😀"], "b": {"c": True}}
    many = replace(
        new("r2"), payload=payload, warnings=("x", "y"), trace=trace, cancel_at=2**40, puts={"p": 1}
    )

    async def scenario() -> None:
        assert await requests.create(many) == await requests.get("r2", "key")

    asyncio.run(scenario())


def test_another_keys_request_is_not_there(requests: Requests) -> None:
    async def scenario() -> None:
        await requests.create(new("r1", "mine"))
        assert await requests.get("r1", "theirs") is None
        assert await requests.cancel("r1", "theirs") is None
        assert await requests.list("theirs") == ([], 0)
        record = await requests.get("r1", "mine")
        assert record is not None
        assert record.status is Status.QUEUED

    asyncio.run(scenario())


def test_the_list_is_newest_first_filtered_and_paged(requests: Requests) -> None:
    async def scenario() -> None:
        for n in range(7):
            await requests.create(new(f"r{n}", model="even" if n % 2 == 0 else "odd"))
        await requests.create(new("other", "other"))
        await requests.cancel("r4", "key")

        async def ids(
            limit: int = 50, before: str | None = None, **wanted: Any
        ) -> tuple[list[str], int]:
            records, total = await requests.list(
                "key", Wanted(**wanted), limit=limit, before=before
            )
            return [record.request_id for record in records], total

        assert await ids() == (["r6", "r5", "r4", "r3", "r2", "r1", "r0"], 7)
        assert await ids(limit=2) == (["r6", "r5"], 7)
        assert await ids(limit=2, before="r5") == (["r4", "r3"], 7)
        assert await ids(model="odd") == (["r5", "r3", "r1"], 3)
        assert await ids(status=Status.CANCELLED) == (["r4"], 1)
        assert await ids(model="even", status=Status.QUEUED) == (["r6", "r2", "r0"], 3)
        assert await ids(before="other") == ([], 7)

    asyncio.run(scenario())


def test_a_request_is_worked_on_and_ends(requests: Requests, clock: Clock) -> None:
    async def scenario() -> None:
        link = Link()
        requests.dispatch.attach(link)
        await requests.create(new("r1"))
        assert link.woken
        assert requests.dispatch.admit() == "r1"
        assert requests.dispatch.for_engine("r1")["payload"] == new("r1").payload
        clock.time += 5
        assert await requests.dispatch.begun("r1")
        await requests.dispatch.progressed("r1", "generate", 0, 100)
        clock.time += 10
        await requests.dispatch.progressed("r1", "generate", 50, 100)
        record = await requests.get("r1", "key")
        assert record is not None
        assert (record.status, record.queue_position) == (Status.PROCESSING, None)
        assert record.started_at == record.created_at + 5
        assert record.progress is not None
        assert record.progress["stage"] == "generate"
        assert 0 < record.progress["percent"] < 100
        assert record.eta_seconds is not None
        assert 0 < record.eta_seconds < 60

        waiting = asyncio.ensure_future(requests.wait("r1", 60))
        await asyncio.sleep(0)
        clock.time += 1
        outcome = {"files": {"video": "outputs/r1/video.mp4"}, "report": {}, "notes": []}
        await requests.dispatch.ended("r1", {"status": "success", "outcome": outcome})
        ended = await waiting
        assert (ended.status, ended.outcome) == (Status.SUCCESS, outcome)
        assert ended.finished_at == ended.updated_at == clock.time
        assert (ended.progress, ended.eta_seconds) == (None, None)
        assert await requests.wait("r1", 60) == ended

    asyncio.run(scenario())


def test_waiting_gives_up_in_time_and_for_what_is_not_there(requests: Requests) -> None:
    async def scenario() -> None:
        await requests.create(new("r1"))
        assert (await requests.wait("r1", 0.01)).status is Status.QUEUED
        assert (await requests.wait("r1", 0)).status is Status.QUEUED
        with pytest.raises(LookupError):
            await requests.wait("r2", 1)

    asyncio.run(scenario())


def test_everybody_who_waits_is_told(requests: Requests) -> None:
    async def scenario() -> None:
        await requests.create(new("r1"))
        waiting = [asyncio.ensure_future(requests.wait("r1", 60)) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[3].cancel()
        await asyncio.sleep(0)
        await requests.cancel("r1", "key")
        records = await asyncio.gather(*waiting[:3], *waiting[4:])
        assert {record.status for record in records} == {Status.CANCELLED}

    asyncio.run(scenario())


def test_a_stopping_server_lets_go_who_waits_and_accepts_nothing(requests: Requests) -> None:
    async def scenario() -> None:
        await requests.create(new("r1"))
        waiting = asyncio.ensure_future(requests.wait("r1", 60))
        await asyncio.sleep(0)
        requests.release()
        assert (await asyncio.wait_for(waiting, 1)).status is Status.QUEUED
        assert (await asyncio.wait_for(requests.wait("r1", 60), 1)).status is Status.QUEUED
        with pytest.raises(StorageFailed) as caught:
            await requests.create(new("r2"))
        assert caught.value.code == "stopping"
        assert caught.value.retryable

    asyncio.run(scenario())


def test_a_creator_that_goes_away_leaves_a_request_that_is_worked_on(requests: Requests) -> None:
    async def scenario() -> None:
        creating = asyncio.ensure_future(requests.create(new("r1")))
        await asyncio.sleep(0)
        creating.cancel()
        for _ in range(200):
            if requests.dispatch.admitted() or requests.dispatch.admit():
                break
            await asyncio.sleep(0.005)
        assert requests.dispatch.admitted() == ["r1"]

    asyncio.run(scenario())


@pytest.mark.parametrize("alive", [True, False])
def test_a_queued_request_is_cancelled_at_once(requests: Requests, alive: bool) -> None:
    async def scenario() -> None:
        requests.dispatch.attach(Link(alive=alive))
        await requests.create(new("r1"))
        await requests.create(new("r2"))
        assert requests.dispatch.admit() == "r1"
        for request_id in ("r1", "r2"):
            record = await requests.cancel(request_id, "key")
            assert record is not None
            assert record.status is Status.CANCELLED
        assert requests.dispatch.admitted() == []
        assert requests.dispatch.admit() is None
        # The child had r1 all the same, and began it before it was told.
        assert not await requests.dispatch.begun("r1")
        await requests.dispatch.ended("r1", {"status": "success", "outcome": {}})
        record = await requests.get("r1", "key")
        assert record is not None
        assert (record.status, record.outcome) == (Status.CANCELLED, None)

    asyncio.run(scenario())


def test_a_begun_request_is_told_to_stop_and_stays_until_it_has(requests: Requests) -> None:
    async def scenario() -> None:
        link = Link()
        requests.dispatch.attach(link)
        await requests.create(new("r1"))
        requests.dispatch.admit()
        await requests.dispatch.begun("r1")
        record = await requests.cancel("r1", "key")
        assert record is not None
        assert record.status is Status.PROCESSING
        assert link.cancelled == ["r1"]
        await requests.dispatch.ended("r1", {"status": "cancelled"})
        record = await requests.cancel("r1", "key")
        assert record is not None
        assert record.status is Status.CANCELLED
        assert link.cancelled == ["r1"]

    asyncio.run(scenario())


def test_a_begun_request_is_cancelled_at_once_when_there_is_no_child(requests: Requests) -> None:
    async def scenario() -> None:
        requests.dispatch.attach(Link(alive=False))
        await requests.create(new("r1"))
        requests.dispatch.admit()
        await requests.dispatch.begun("r1")
        record = await requests.cancel("r1", "key")
        assert record is not None
        assert record.status is Status.CANCELLED

    asyncio.run(scenario())


def test_a_promised_cancel_outlives_the_child_and_the_server(place: Place) -> None:
    async def scenario(requests: Requests, request_id: str) -> None:
        requests.dispatch.attach(Link())
        await requests.create(new(request_id))
        requests.dispatch.admit()
        await requests.dispatch.begun(request_id)
        await requests.cancel(request_id, "key")

    requests = place.requests()
    asyncio.run(scenario(requests, "child"))
    asyncio.run(requests.dispatch.child_lost(crashed=True))
    asyncio.run(scenario(requests, "server"))
    requests.close()
    requests = place.requests()
    assert requests.dispatch.admitted() == []
    statuses = {record.request_id: record.status for record in asyncio.run(requests.list("key"))[0]}
    assert statuses == {"child": Status.CANCELLED, "server": Status.CANCELLED}
    requests.close()


def test_a_request_that_ends_the_engine_three_times_fails(requests: Requests) -> None:
    async def scenario() -> None:
        await requests.create(new("bad"))
        await requests.create(new("good"))
        assert [
            requests.dispatch.admit(),
            requests.dispatch.admit(),
            requests.dispatch.admit(),
        ] == ["bad", "good", None]
        for crash in (1, 2):
            await requests.dispatch.begun("bad")
            # Told to go, it does not count.
            await requests.dispatch.child_lost(crashed=False)
            await requests.dispatch.begun("bad")
            await requests.dispatch.child_lost(crashed=True)
            record = await requests.get("bad", "key")
            assert record is not None
            assert record.status is Status.PROCESSING, crash
            assert requests.dispatch.admitted() == ["bad", "good"]
        await requests.dispatch.begun("bad")
        await requests.dispatch.child_lost(crashed=True)
        record = await requests.get("bad", "key")
        assert record is not None
        assert record.status is Status.FAILED
        assert record.error is not None
        assert record.error["code"] == "crashed_engine"
        assert requests.dispatch.admitted() == ["good"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer", [{}, {"status": "success"}, {"status": "failed"}, {"status": "queued"}]
)
def test_an_answer_that_is_none_fails_the_request(requests: Requests, answer: Any) -> None:
    async def scenario() -> None:
        await requests.create(new("r1"))
        requests.dispatch.admit()
        await requests.dispatch.ended("r1", answer)
        record = await requests.get("r1", "key")
        assert record is not None
        assert record.error is not None
        assert record.error["code"] == "internal"

    asyncio.run(scenario())


def test_an_interrupted_request_shows_its_last_stage_after_a_restart(place: Place) -> None:
    async def begin(requests: Requests) -> None:
        await requests.create(new("r1"))
        requests.dispatch.admit()
        await requests.dispatch.begun("r1")
        await requests.dispatch.progressed("r1", "render", 7, 10)

    requests = place.requests()
    asyncio.run(begin(requests))
    requests.close()
    requests = place.requests()
    record = asyncio.run(requests.get("r1", "key"))
    assert record is not None
    assert record.status is Status.PROCESSING
    assert record.progress is not None
    assert (record.progress["stage"], record.progress["done"]) == ("render", 0)
    assert requests.dispatch.admitted() == ["r1"]
    requests.close()


def test_progress_is_written_only_when_the_stage_changes(tmp_path: Path, clock: Clock) -> None:
    async def scenario(requests: Requests) -> None:
        await requests.create(new("r1"))
        requests.dispatch.admit()
        await requests.dispatch.begun("r1")
        await requests.dispatch.progressed("r1", "generate", 0, 1000)
        size = wal.stat().st_size
        for done in range(1000):
            # SQLite would not write a row anew that has not changed.
            clock.time += 1
            await requests.dispatch.progressed("r1", "generate", done, 1000)
        await requests.dispatch.progressed("r1", "no such stage", 1, 2)
        await requests.dispatch.progressed("no such request", "generate", 1, 2)
        assert wal.stat().st_size == size
        record = await requests.get("r1", "key")
        assert record is not None
        assert record.progress is not None
        assert record.progress["done"] == 999

    requests = Requests(DataDir(tmp_path), now=clock, clock=clock)
    wal = tmp_path / "requests.sqlite-wal"
    asyncio.run(scenario(requests))
    requests.close()
