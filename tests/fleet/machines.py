"""Workers as processes of their own, and an API replica within the test's."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from retake.queue.data_dir import DataDir
from retake.queue.fleet.replica import Replica
from retake.queue.opening import open_database
from retake.queue.record import NewRequest, Record
from retake.queue.requests import Requests
from retake.queue.unfinished import Capacity

LEASE_S = 1.5


class Worker:
    """A worker process and its engine child.

    Args:
        name: What it is called.
        folder: Where it works.
        url: The database.
        drain_s: How long SIGTERM lets it finish.
        within: What stands before its command line: another network, say.
    """

    def __init__(
        self, name: str, folder: Path, url: str, drain_s: float = 30, within: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        script = str(Path(__file__).with_name("worker_process.py"))
        values = (str(folder / name), url, str(LEASE_S), str(drain_s))
        self.process = subprocess.Popen(
            [*within, sys.executable, script, name, *values],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.child = 0

    def until_ready(self) -> Worker:
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("ready"), said
        self.child = int(said.split()[1])
        return self

    def signal(self, number: int) -> None:
        """Send a signal to the worker and to its child."""
        os.killpg(self.process.pid, number)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@asynccontextmanager
async def replica(
    folder: Path, url: str, capacity: Capacity | None = None
) -> AsyncGenerator[Requests]:
    """An API process, as far as requests go."""
    data_dir = DataDir(folder / f"api-{secrets.token_hex(4)}")
    database = open_database(data_dir, url)
    front = partial(
        Replica, url=url, database=database, discard=lambda _: None, lease_s=LEASE_S, engine="none"
    )
    requests = Requests(data_dir, database=database, front=front, capacity=capacity or Capacity())
    assert isinstance(requests.front, Replica)
    await requests.front.start()
    try:
        yield requests
    finally:
        await requests.front.stop()
        requests.close()


async def submit(
    requests: Requests, key_id: str = "key", cancel_in: int | None = None, **payload: Any
) -> str:
    name = secrets.token_hex(8)
    at = None if cancel_in is None else int(time.time()) + cancel_in
    new = NewRequest(name, key_id, "model", "none", payload, "url:x", 1, cancel_at=at)
    await requests.create(new)
    return name


async def look(requests: Requests, request_id: str) -> Record:
    record = await requests.get(request_id, "key")
    assert record is not None
    return record


async def worker_of(requests: Requests, request_id: str) -> str:
    """Return the name of the worker that has a request; empty where none has."""
    assert isinstance(requests.front, Replica)
    return await requests.front.worker_of(request_id) or ""


async def until(
    condition: Callable[[], Awaitable[Any]], within_s: float, every_s: float = 0.02
) -> float:
    """Wait for a condition; returns how long that took, in seconds."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() < began + within_s, f"not within {within_s} s"
        await asyncio.sleep(every_s)
    return time.monotonic() - began


async def until_stage(requests: Requests, request_id: str, stage: str) -> None:
    async def reached() -> bool:
        return (await look(requests, request_id)).stage == stage

    await until(reached, 20)
