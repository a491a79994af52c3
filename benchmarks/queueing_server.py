"""A server with one slot within this process, for `benchmarks/queueing.py`."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retake.bootstrap.hands import FleetHands
from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.fleet.claims import Able, Claims
from retake.queue.fleet.replica import Replica
from retake.queue.fleet.rescue import Rescue
from retake.queue.fleet.slot import Slot
from retake.queue.fleet.station import Place, Station
from retake.queue.observer import Observer
from retake.queue.opening import open_database
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.store import Store
from retake.queue.supervisor import Supervisor
from retake.queue.unfinished import Capacity

LEASE_S = 3.0
_CHILD = Path(__file__).with_name("queueing_child.py")


class Begun(Observer):
    """Notes when each request began, and in which order."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def begun(self, request_id: str, model: str, stage: Any, trace: str | None) -> None:
        """Note it."""
        del model, stage, trace
        self.at[request_id] = time.perf_counter()


@dataclass
class Running:
    """A server with one slot."""

    requests: Requests
    hands: FleetHands | Supervisor
    begun: Begun
    database: Database
    url: str

    async def submit(self, key_id: str = "key", **payload: Any) -> str:
        """Ask for something that takes `work_s`, or no time; returns its id."""
        name = secrets.token_hex(8)
        await self.requests.create(NewRequest(name, key_id, "m", "none", payload, "url:x", 1))
        return name

    async def end(self, request_id: str) -> None:
        """Wait until a request has ended."""
        record = await self.requests.wait(request_id, 120)
        assert record.status == "success", record

    async def until_begun(self, request_id: str) -> float:
        """Wait until a request has begun; returns when."""
        while request_id not in self.begun.at:
            await asyncio.sleep(0.002)
        return self.begun.at[request_id]


@asynccontextmanager
async def running(folder: Path, url: str, *, work: bool = True) -> AsyncIterator[Running]:
    """Run a server; its slot is open unless `work` is False."""
    data_dir, begun = DataDir(folder), Begun()
    database = open_database(data_dir, url)
    child = [sys.executable, str(_CHILD)]

    def command(fd: int) -> list[str]:
        return [*child, str(fd), str(folder), url]

    capacity = Capacity(0, 0)
    if url == "sqlite":
        requests = Requests(data_dir, database=database, capacity=capacity)
        requests.dispatch.observer = begun
        hands: FleetHands | Supervisor = Supervisor(command, requests)
    else:
        front = partial(
            Replica,
            url=url,
            database=database,
            discard=lambda _: None,
            lease_s=LEASE_S,
            engine="none",
        )
        requests = Requests(data_dir, database=database, front=front, capacity=capacity)
        claims = Claims(database, Able(secrets.token_hex(4), ("none",)), lease_s=LEASE_S)
        store = Store(database, time.time, 60)
        slot = Slot(claims, store, lambda _: None)
        slot.observer = begun
        places = [Place(slot, Supervisor(command, slot))] if work else []
        station = Station(url, claims, Rescue(database), store, places, lambda _: None)
        assert isinstance(requests.front, Replica)
        hands = FleetHands(requests.front, station)
    if work or url != "sqlite":
        await hands.start()
    try:
        yield Running(requests, hands, begun, database, url)
    finally:
        requests.release()
        if work or url != "sqlite":
            await hands.stop()
        requests.close()
