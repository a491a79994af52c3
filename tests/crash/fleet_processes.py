"""The processes of the fleet that is killed: an API replica, a worker, an engine child.

Run by the nursery: ``main([KIND, …])``. Files are in one folder that all share, as they would share
a bucket; each worker has a work folder of its own, and steps hand on what they have made.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import time
from functools import partial
from pathlib import Path
from typing import Any

from retake.bootstrap.fleet import work
from retake.bootstrap.hands import FleetHands
from retake.core.watch import Watch
from retake.queue.data_dir import DataDir
from retake.queue.database.postgres.sole import Sole
from retake.queue.durable import Step
from retake.queue.fleet.claims import Able, Claims
from retake.queue.fleet.replica import Replica
from retake.queue.fleet.rescue import Rescue
from retake.queue.fleet.slot import Slot
from retake.queue.fleet.station import Place, Station
from retake.queue.opening import open_database
from retake.queue.requests import Requests
from retake.queue.step_records import StepsDatabase
from retake.queue.store import Store
from retake.queue.supervisor import Supervisor
from retake.queue.webhooks import Target
from retake.steps.notify import Notifier
from retake.storage import LocalStorage
from retake.worker import run_child
from tests.crash import server_process
from tests.crash.child_process import SECRET, STEPS, fail, work_on
from tests.crash.server_process import Deadly, Plan, Server

LEASE_S = 1.5


class FleetServer(Server):
    """An API process without an engine, one of several."""

    def __init__(self, data_dir: DataDir, plan: Plan, shared: Path, url: str) -> None:
        self.data_dir, self.plan = data_dir, plan
        self.storage = LocalStorage(shared, SECRET)
        self.deadly = Deadly(self)
        database = open_database(data_dir, url)
        front = partial(
            Replica,
            url=url,
            database=database,
            discard=self._discard,
            lease_s=LEASE_S,
            engine="none",
        )
        self.requests = Requests(data_dir, database=database, front=front, discard=self._discard)
        assert isinstance(self.requests.front, Replica)
        self.supervisor = FleetHands(self.requests.front, None)
        self.notifier = Sole(url, "retake webhooks", self._notifier, 0.2)
        self.target = Target(plan.webhook, "all", plan.webhook)
        self.telling_told = False
        self.tasks: set[asyncio.Task[None]] = set()

    def _notifier(self) -> Notifier:
        return Notifier(self.requests.webhooks, self._message, allow_private=True)


async def _serve(data_dir: DataDir, plan: str, shared: Path, url: str) -> None:
    await FleetServer(data_dir, Plan(**json.loads(plan)), shared, url).serve()


async def _work(argv: list[str]) -> None:
    """Be a worker with one slot: ``[folder, shared, url, command]``."""
    folder, shared, url, command = argv
    data_dir = DataDir(Path(folder))
    database = open_database(data_dir, url)
    name = f"{data_dir.path.name}.{os.getpid()}"
    claims = Claims(database, Able(name, ("none",)), lease_s=LEASE_S)
    store = Store(database, time.time, 60)
    storage = LocalStorage(Path(shared), SECRET)

    def discard(request_id: str) -> None:
        storage.delete_tree(f"outputs/{request_id}")

    slot = Slot(claims, store, discard)
    child = [*json.loads(command), __name__]
    supervisor = Supervisor(
        lambda fd: [*child, str(fd), "child", folder, shared, url, name], slot, cancel_s=3
    )
    station = Station(url, claims, Rescue(database), store, [Place(slot, supervisor)], discard)
    telling = asyncio.create_task(_tell(station))
    await work(station, 30)
    telling.cancel()
    database.close()


async def _tell(station: Station) -> None:
    said = None
    while True:
        if station.pid not in (said, None):
            said = station.pid
            server_process.say("child", said)
        await asyncio.sleep(0.02)


def _run_request(
    storage: LocalStorage,
    data_dir: DataDir,
    request: dict[str, Any],
    step: Step,
    watch: Watch,
) -> dict[str, Any]:
    payload, request_id = request["payload"], request["request_id"]
    folder = data_dir.work / request_id
    folder.mkdir(exist_ok=True)
    fail(payload.get("fault"), watch)
    *stages, last = STEPS

    def make(stage: str) -> dict[str, Any]:
        work_on(watch, stage, payload)
        return {"by": f"{stage} {os.getpid()}"}

    makers = [step(stage, lambda stage=stage: make(stage))["by"] for stage in stages]

    def publish() -> dict[str, Any]:
        work_on(watch, last, payload)
        (folder / "result.txt").write_text("\n".join(makers))
        name = f"outputs/{request_id}/video.txt"
        storage.put(name, folder / "result.txt")
        return {"files": {"video": name}, "report": {"makers": makers}, "notes": []}

    return step(last, publish)


def _be_child(argv: list[str]) -> None:
    """Be an engine child: ``[folder, shared, url, slot, fd]``."""
    folder, shared, url, slot, fd = argv
    data_dir, storage = DataDir(Path(folder)), LocalStorage(Path(shared), SECRET)
    records = StepsDatabase(url, slot.partition(".")[0])
    run_child(int(fd), data_dir, partial(_run_request, storage, data_dir), records=records)


def main(argv: list[str]) -> None:
    """Be what is named first."""
    random.seed()
    level = os.environ.get("RETAKE_TEST_LOG", "CRITICAL")
    logging.basicConfig(level=level, format=f"{argv[0]} %(process)d %(asctime)s %(message)s")
    match argv:
        case ["server", folder, plan, shared, url]:
            asyncio.run(_serve(DataDir(Path(folder)), plan, Path(shared), url))
        case ["worker", *rest]:
            asyncio.run(_work(rest))
        case ["child", *rest]:
            _be_child(rest)
        case _:
            raise ValueError(argv)
