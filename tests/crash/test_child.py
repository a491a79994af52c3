"""The supervisor and a real engine child: results, errors, cancels, deaths."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.dispatch import MAX_CRASHES
from retake.queue.fault import crashed_itself, memory_kills
from retake.queue.record import NewRequest, Record
from retake.queue.requests import Requests
from retake.queue.supervisor import Supervisor

CHILD = Path(__file__).with_name("child_process.py")


class Server:
    """A server without HTTP, on a folder."""

    def __init__(self, folder: Path, **supervision: Any) -> None:
        self.data_dir = DataDir(folder)
        self.requests = Requests(self.data_dir)
        self.supervisor = Supervisor(
            lambda fd: [sys.executable, str(CHILD), str(fd), str(folder)],
            self.requests,
            **supervision,
        )

    async def submit(self, key_id: str = "key", **payload: Any) -> str:
        request_id = secrets.token_hex(8)
        await self.requests.create(
            NewRequest(request_id, key_id, "retake", "none", payload, "url:none", 1)
        )
        return request_id

    async def end(self, request_id: str) -> Record:
        record = await self.requests.wait(request_id, 30)
        assert record.status.terminal, record
        return record

    async def until(self, true: Callable[[], Any], timeout_s: float = 30) -> None:
        over = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < over
            await asyncio.sleep(0.01)

    def record(self, request_id: str) -> Record:
        record = self.requests._store.get_now(request_id)
        assert record is not None
        return self.requests.lively(record)

    async def close(self) -> None:
        self.requests.release()
        await self.supervisor.stop()
        self.requests.close()


def serve(folder: Path, scenario: Callable[[Server], Awaitable[None]], **supervision: Any) -> None:
    async def main() -> None:
        server = Server(folder, **supervision)
        await server.supervisor.start()
        try:
            await scenario(server)
        finally:
            await server.close()

    asyncio.run(main())


def test_requests_end_with_the_childs_answers(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        good = await server.submit()
        refused = await server.submit(fault="refuses")
        erring = await server.submit(fault="errs")
        record = await server.end(good)
        assert record.status is Status.SUCCESS
        assert record.outcome is not None
        published = server.data_dir.files / record.outcome["files"]["video"]
        assert published.read_text().startswith("fetch")
        record = await server.end(refused)
        assert record.status is Status.FAILED
        assert record.error is not None
        assert (record.error["kind"], record.error["code"]) == ("bad_source", "too_long")
        assert record.error["param"] == "video_uri"
        record = await server.end(erring)
        assert record.error is not None
        assert record.error["code"] == "internal"
        assert "Zero" not in record.error["message"]
        await server.until(lambda: not any(server.data_dir.work.iterdir()))

    serve(tmp_path, scenario)


def test_a_cancel_is_felt_within_a_second_and_the_next_request_goes_on(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        long, queued, after = [await server.submit(work_s=s) for s in (60, 60, 0)]
        await server.until(lambda: server.record(long).progress is not None)
        await server.requests.cancel(queued, "key")
        assert server.record(queued).status is Status.CANCELLED
        began = time.monotonic()
        await server.requests.cancel(long, "key")
        assert (await server.end(long)).status is Status.CANCELLED
        # Milliseconds on an idle machine.
        assert time.monotonic() - began < 3
        assert (await server.end(after)).status is Status.SUCCESS

    serve(tmp_path, scenario)


def test_a_child_that_ignores_a_cancel_is_ended(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        hanging, after = await server.submit(fault="hangs"), await server.submit()
        await server.until(lambda: server.record(hanging).status is Status.PROCESSING)
        await server.requests.cancel(hanging, "key")
        assert (await server.end(hanging)).status is Status.CANCELLED
        assert (await server.end(after)).status is Status.SUCCESS

    serve(tmp_path, scenario, cancel_s=0.3)


def test_a_request_that_kills_the_child_fails_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        deadly, after = await server.submit(fault="dies"), await server.submit()
        record = await server.end(deadly)
        assert record.status is Status.FAILED
        assert record.error is not None
        assert record.error["code"] == "crashed_engine"
        assert (await server.end(after)).status is Status.SUCCESS

    serve(tmp_path, scenario)


def test_a_killed_childs_request_goes_on_behind_its_last_finished_step(tmp_path: Path) -> None:
    resumed: list[float] = []

    async def scenario(server: Server) -> None:
        request_id = await server.submit(work_s=1.5)

        def generating() -> bool:
            progress = server.record(request_id).progress
            return progress is not None and progress["stage"] == "generate"

        await server.until(generating)
        first = server.supervisor.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic()
        await server.until(lambda: not server.supervisor.ready)
        await server.until(lambda: server.supervisor.ready)
        # Its first progress shows that it is at work again.
        await server.until(lambda: (server.record(request_id).progress or {"done": 0})["done"] > 0)
        resumed.append(time.monotonic() - killed)
        record = await server.end(request_id)
        assert record.status is Status.SUCCESS
        assert record.outcome is not None
        fetcher, generator = record.outcome["report"]["makers"]
        assert fetcher == f"fetch {first}"
        assert generator.startswith("generate ")
        assert generator != f"generate {first}"

    serve(tmp_path, scenario)
    # About 2 s on an idle machine.
    assert resumed[0] < 30


def test_a_request_whose_child_somebody_keeps_killing_is_finished_all_the_same(
    tmp_path: Path,
) -> None:
    async def scenario(server: Server) -> None:
        request_id = await server.submit(work_s=1)
        for _ in range(MAX_CRASHES + 1):
            await server.until(lambda: server.supervisor.ready)
            await server.until(lambda: server.record(request_id).progress is not None)
            assert server.supervisor.pid is not None
            os.kill(server.supervisor.pid, signal.SIGKILL)
            await server.until(lambda: not server.supervisor.ready)
        assert (await server.end(request_id)).status is Status.SUCCESS

    serve(tmp_path, scenario)


def test_a_stopped_servers_request_is_finished_by_the_next_one(tmp_path: Path) -> None:
    ids: list[str] = []

    async def first(server: Server) -> None:
        ids.append(await server.submit(work_s=0.7))
        ids.append(await server.submit(work_s=0))
        await server.until(lambda: server.record(ids[0]).status is Status.PROCESSING)

    async def second(server: Server) -> None:
        assert server.record(ids[0]).status is Status.PROCESSING
        for request_id in ids:
            assert (await server.end(request_id)).status is Status.SUCCESS

    serve(tmp_path, first)
    serve(tmp_path, second)


def test_a_child_that_is_politely_ended_counts_as_no_crash(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        request_id = await server.submit(work_s=1)
        for _ in range(3):
            await server.until(lambda: server.record(request_id).progress is not None)
            await server.until(lambda: server.supervisor.ready)
            assert server.supervisor.pid is not None
            os.kill(server.supervisor.pid, signal.SIGTERM)
            await server.until(lambda: not server.supervisor.ready)
        assert (await server.end(request_id)).status is Status.SUCCESS

    serve(tmp_path, scenario)


def test_damaged_step_records_are_put_aside(tmp_path: Path) -> None:
    DataDir(tmp_path).steps.write_bytes(b"this is no database" * 1000)

    async def scenario(server: Server) -> None:
        assert (await server.end(await server.submit())).status is Status.SUCCESS

    serve(tmp_path, scenario)
    assert len(list(tmp_path.glob("dbos.sqlite.damaged-*"))) == 1


@pytest.mark.parametrize("command", [["/does/not/exist"], [sys.executable, "-c", "exit(3)"]])
def test_a_child_that_cannot_be_started_is_tried_again_and_stops(
    tmp_path: Path, command: list[str]
) -> None:
    async def scenario(server: Server) -> None:
        tries: list[int] = []
        server.supervisor._command = lambda fd: tries.append(fd) or command
        request_id = await server.submit()
        await server.until(lambda: len(tries) > 2)
        assert not server.supervisor.ready
        assert server.record(request_id).status is Status.QUEUED
        assert (await server.requests.cancel(request_id, "key")) is not None
        assert server.record(request_id).status is Status.CANCELLED

    serve(tmp_path, scenario)


def test_only_a_kill_for_want_of_memory_speaks_against_a_request() -> None:
    before = memory_kills()
    if before is None:
        pytest.skip("this system does not tell how often it killed for want of memory")
    assert not crashed_itself(-signal.SIGKILL, before)
    assert crashed_itself(-signal.SIGKILL, before - 1)
    assert crashed_itself(-signal.SIGABRT, before)
    assert not crashed_itself(0, before)
