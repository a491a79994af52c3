"""The server of the crash tests: real queue, supervisor and webhooks, and a load of its own.

python server_process.py DATA_DIR PLAN, where PLAN is a JSON object, see `Plan`.

Says on its standard output, a line each: `acknowledged ID`, `cancelling ID`, `ended ID STATUS`,
`child PID`. Ends on SIGTERM; without a load, also when nothing is left to do or to be told.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import secrets
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retake.core.errors import StorageFailed
from retake.core.request import Status
from retake.core.watch import Stage
from retake.queue.data_dir import DataDir
from retake.queue.listing import Wanted
from retake.queue.observer import Observer
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.supervisor import Supervisor
from retake.queue.webhooks import Delivery, Target
from retake.steps.notify import Notifier
from retake.storage import LocalStorage
from tests.crash.child_process import SECRET, once

KEYS = ("alice", "bob", "carol")
POINTS = ("accepted", "begun", "entered", "discarded", "ended", "cancelled", "telling", "told")
"""Where the server kills itself, once, for the request ``server-POINT``."""
MOST_WAITING = 6
ENDED = "child-ended"
"""The request at whose stored end the server kills its child, before it acknowledges it."""


@dataclass
class Plan:
    """What the server is to do.

    Attributes:
        command: What starts the engine child, without the socket's number and the data folder.
        webhook: Who is told of every end.
        rate: How many requests it asks of itself in a second.
        requests: Payloads of requests, by their ids, that it asks first; each is asked once.
    """

    command: list[str]
    webhook: str
    rate: float = 0
    requests: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def text(self) -> str:
        return json.dumps(asdict(self))


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Deadly(Observer):
    """Kills the server, or its child, where the request's id says so."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def die(self, point: str, request_id: str) -> None:
        if request_id == f"server-{point}" and once(self._server.data_dir, request_id):
            os.kill(os.getpid(), signal.SIGKILL)

    def accepted(self, request_id: str, model: str) -> None:
        self.die("accepted", request_id)

    def begun(self, request_id: str, model: str, stage: Stage | None, trace: str | None) -> None:
        self.die("begun", request_id)

    def entered(self, request_id: str, stage: Stage) -> None:
        self.die("entered", request_id)

    def ended(self, request_id: str, model: str, status: str, code: str | None) -> None:
        self.die("ended", request_id)
        if request_id == ENDED and once(self._server.data_dir, request_id):
            pid = self._server.supervisor.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)


class Server:
    def __init__(self, data_dir: DataDir, plan: Plan) -> None:
        self.data_dir, self.plan = data_dir, plan
        self.storage = LocalStorage(data_dir.files, SECRET)
        self.storage.sweep()
        self.deadly = Deadly(self)
        self.requests = Requests(data_dir, discard=self._discard)
        self.requests.dispatch.observer = self.deadly
        self.supervisor = Supervisor(self._command, self.requests)
        self.notifier = Notifier(
            self.requests.webhooks, self._message, allow_private=True, told=self._told
        )
        self.target = Target(plan.webhook, "all", plan.webhook)
        self.telling_told = False
        self.tasks: set[asyncio.Task[None]] = set()

    def _command(self, fd: int) -> list[str]:
        if "forked.py" in " ".join(self.plan.command):
            child = ["tests.crash.child_process", str(fd), str(self.data_dir.path)]
            return [*self.plan.command, *child]
        return [*self.plan.command, str(fd), str(self.data_dir.path)]

    def _discard(self, request_id: str) -> None:
        try:
            self.storage.delete_tree(f"outputs/{request_id}")
        except StorageFailed as error:
            logging.getLogger(__name__).warning("%s", error)
        self.deadly.die("discarded", request_id)

    async def _message(self, delivery: Delivery) -> bytes:
        self.deadly.die("telling", str(delivery.request_id))
        if delivery.request_id == "server-told":
            self.telling_told = True
        body = {"request_id": delivery.request_id, "status": delivery.event}
        return json.dumps(body).encode()

    def _told(self, _attempt: object) -> None:
        if self.telling_told:
            self.deadly.die("told", "server-told")

    async def submit(self, request_id: str, key_id: str, payload: dict[str, Any]) -> None:
        # What a client is told by an error, such as that the database is away, is no promise.
        with suppress(StorageFailed):
            await self._submit(request_id, key_id, payload)

    async def _submit(self, request_id: str, key_id: str, payload: dict[str, Any]) -> None:
        new = NewRequest(
            request_id, key_id, "retake", "none", payload, "url:none", 1, webhook=self.target
        )
        # A server before this one may have been killed anywhere in here.
        if not await self.requests.holds(request_id, key_id):
            await self.requests.create(new)
            say("acknowledged", request_id)
        if "cancel_s" in payload:
            await self._until_begun(request_id, key_id, payload["cancel_s"])
            record = await self.requests.cancel(request_id, key_id)
            assert record is not None
            say("cancelling", request_id)
            self.deadly.die("cancelled", request_id)
        record = await self.requests.wait(request_id, 1e6)
        if record.status.terminal:
            say("ended", request_id, record.status)

    async def _until_begun(self, request_id: str, key_id: str, wait_s: float | None) -> None:
        """Wait so long; for ever means until the request is worked on."""
        if wait_s is not None:
            await asyncio.sleep(wait_s)
            return
        while (record := await self.requests.get(request_id, key_id)) and not record.progress:
            if record.status.terminal:
                return
            await asyncio.sleep(0.005)

    def begin(self, request_id: str, key_id: str, payload: dict[str, Any]) -> None:
        task = asyncio.create_task(self.submit(request_id, key_id, payload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def left(self) -> int:
        """Return how many requests have not ended, or messages not been told."""
        waiting = [
            (await self.requests.list(key, Wanted(status=status)))[1]
            for key in KEYS
            for status in (Status.QUEUED, Status.PROCESSING)
        ]
        return len(await self.requests.webhooks.outbox.lanes()) + sum(waiting)

    async def serve(self) -> None:
        await self.supervisor.start()
        self.notifier.start()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        for request_id, payload in self.plan.requests.items():
            self.begin(request_id, KEYS[0], payload)
        said = None
        while not stop.is_set():
            if self.supervisor.pid not in (said, None):
                said = self.supervisor.pid
                say("child", said)
            if self.plan.rate:
                # No more than are soon done: the next server inherits what is left.
                if len(self.tasks) < MOST_WAITING:
                    self.begin(secrets.token_hex(8), random.choice(KEYS), some_payload())
                await asyncio.sleep(random.expovariate(self.plan.rate))
            elif self.tasks or await self.left():
                await asyncio.sleep(0.02)
            else:
                break
        self.requests.release()
        # Each end is acknowledged to the child, and its folder gone.
        until = asyncio.get_running_loop().time() + 5
        while any(self.data_dir.work.iterdir()) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.01)
        await self.supervisor.stop()
        await self.notifier.stop()
        await asyncio.gather(*self.tasks)
        self.requests.close()


def some_payload() -> dict[str, Any]:
    payload: dict[str, Any] = {"work_s": random.choice((0.0, 0.0, 0.05, 0.2))}
    if random.random() < 0.15:
        payload["cancel_s"] = random.uniform(0, 0.5)
    if random.random() < 0.1:
        payload["fault"] = "refuses"
    return payload


def main(argv: list[str]) -> None:
    """Be the server: ``[data_dir, plan]``."""
    random.seed()
    level = os.environ.get("RETAKE_TEST_LOG", "CRITICAL")
    logging.basicConfig(level=level, format="server %(process)d %(asctime)s %(message)s")
    with DataDir(Path(argv[0])) as data_dir:
        asyncio.run(Server(data_dir, Plan(**json.loads(argv[1]))).serve())


if __name__ == "__main__":
    main(sys.argv[1:])
