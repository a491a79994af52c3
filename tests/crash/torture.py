"""Servers that are killed and started again, what they said, and what must be true in the end."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.record import Record
from retake.queue.requests import Requests
from tests.crash.child_process import STEPS
from tests.crash.nursery import Job, Nursery
from tests.crash.server_process import KEYS, Plan
from tests.webhooks.receiver import Message, Receiver

SERVER = "tests.crash.server_process"


@dataclass
class Heard:
    """What servers said before they were killed. What is in the pipe by then is not lost."""

    acknowledged: list[str] = field(default_factory=list[str])
    cancelling: list[str] = field(default_factory=list[str])
    ended: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    child: int = 0

    def listen(self, fd: int) -> None:
        """Take in all lines until nobody can write any more."""
        with os.fdopen(fd) as lines:
            for line in lines:
                self._hear(line)

    def _hear(self, line: str) -> None:
        match line.split():
            case ["acknowledged", request_id]:
                self.acknowledged.append(request_id)
            case ["cancelling", request_id]:
                self.cancelling.append(request_id)
            case ["ended", request_id, status]:
                self.ended.append((request_id, status))
            case ["child", pid]:
                self.child = int(pid)
            case _:
                # A line that was cut off by the kill was not heard by any client either.
                assert not line.endswith("\n"), line


class Running:
    """A running server and the thread that listens to it."""

    def __init__(self, nursery: Nursery, folder: Path, plan: Plan, heard: Heard) -> None:
        reading, writing = os.pipe()
        self.job: Job = nursery.start(SERVER, [str(folder), plan.text()], [writing])
        os.close(writing)
        self._listener = threading.Thread(target=heard.listen, args=(reading,))
        self._listener.start()

    def end(self, timeout_s: float | None = None) -> int:
        """Wait until it has ended; return its exit status."""
        status = self.job.wait(timeout_s)
        # A child that has the pipe too may need a moment to notice.
        self._listener.join(15)
        assert not self._listener.is_alive(), "a child outlived its server"
        return status


class Torture:
    """One data folder, and a server on it that dies and dies.

    Args:
        nursery: Forks the processes.
        folder: The data folder.
        receiver: Takes the webhooks' messages.
        seed: Of what happens when.
    """

    reasons = frozenset({"too_long"})
    """Why a request may have failed: as its payload asked."""

    def __init__(self, nursery: Nursery, folder: Path, receiver: Receiver, seed: int) -> None:
        self.nursery, self.folder, self.receiver = nursery, folder, receiver
        self.chance = random.Random(seed)
        self.heard = Heard()
        self.kills: Counter[str] = Counter()
        self.seconds = 0.0

    def plan(self, **more: object) -> Plan:
        return Plan(self.nursery.command, f"{self.receiver.url}/{self.folder.name}", **more)  # type: ignore[arg-type]

    def start(self, plan: Plan) -> Running:
        return Running(self.nursery, self.folder, plan, self.heard)

    def kill(self, kills: int, rate: float) -> None:
        """Kill server and child so many times in all, at random moments, under load."""
        began = time.monotonic()
        plan = self.plan(rate=rate)
        server = self.start(plan)
        for _ in range(kills):
            # Mostly into the work, sometimes into the start.
            if self.chance.random() < 0.7:
                self._wait_for_more()
                time.sleep(self.chance.uniform(0, 0.3))
            else:
                time.sleep(self.chance.uniform(0, 0.6))
            if self.chance.random() < 0.5 and self.heard.child:
                self._kill_child()
            else:
                server.job.kill()
                server._listener.join()
                self.kills["server"] += 1
                server = self.start(plan)
        time.sleep(0.2)
        server.job.kill()
        server._listener.join()
        self.seconds = time.monotonic() - began

    def finish(self, timeout_s: float) -> None:
        """Let a server that nobody kills end what is left."""
        assert self.start(self.plan()).end(timeout_s) == 0

    def _kill_child(self) -> None:
        pid, self.heard.child = self.heard.child, 0
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            return
        self.kills["child"] += 1

    def _wait_for_more(self) -> None:
        """Wait until one more request has ended."""
        ended, until = len(self.heard.ended), time.monotonic() + 10
        while len(self.heard.ended) == ended and time.monotonic() < until:
            time.sleep(0.01)

    def records(self) -> dict[str, Record]:
        """Return every request as the last server left it."""
        with DataDir(self.folder) as data_dir:
            requests = Requests(data_dir)
            try:
                return {
                    record.request_id: record
                    for key_id in KEYS
                    for record in asyncio.run(requests.list(key_id, limit=1_000_000))[0]
                }
            finally:
                requests.close()

    def messages(self) -> list[Message]:
        """Return what the receiver was sent, to its end, of this folder's requests."""
        return [
            message
            for message in self.receiver.messages
            if message.path == f"/{self.folder.name}"
            # The server was killed while it sent it: nobody takes half a message.
            and len(message.body) == int(message.headers["content-length"])
        ]

    def check(self, records: dict[str, Record]) -> None:
        """Nothing is lost, nothing ended, published or told twice, nothing is left behind."""
        heard = self.heard
        assert set(heard.acknowledged) <= records.keys(), "an acknowledged request is lost"
        unfinished = [each for each in records.values() if not each.status.terminal]
        assert not unfinished, "a request did not end"
        changed = [each for each in heard.ended if records[each[0]].status != each[1]]
        assert not changed, "a request ended twice"
        errors = Counter(record.error["code"] for record in records.values() if record.error)
        assert errors.keys() <= self.reasons, errors
        self.check_files(records)
        self._check_told(records)

    def check_files(self, records: dict[str, Record]) -> None:
        """Each success has its one file, and nothing else is left."""
        data_dir = DataDir(self.folder)
        successes = {i: each for i, each in records.items() if each.status is Status.SUCCESS}
        files = sorted(path for path in data_dir.files.rglob("*") if path.is_file())
        wanted = sorted(data_dir.files / f"outputs/{i}/video.txt" for i in successes)
        assert files == wanted, "not exactly one file for each success"
        for request_id, record in successes.items():
            assert record.outcome is not None
            result = (data_dir.files / f"outputs/{request_id}/video.txt").read_text()
            assert result.splitlines() == record.outcome["report"]["makers"]
        assert list(data_dir.work.iterdir()) == [], "work folders were left behind"

    def _check_told(self, records: dict[str, Record]) -> None:
        told: dict[str, set[str]] = {request_id: set() for request_id in records}
        for message in self.messages():
            said = message.json
            assert said["status"] == records[said["request_id"]].status, "told of another end"
            told[said["request_id"]].add(message.id)
        assert {len(ids) for ids in told.values()} <= {1}, "an end was not told, or told twice"
        # The same message again: only where the server was killed before it noted the answer.
        assert self.repeated <= self.may_repeat, "a message was sent again and again"

    @property
    def may_repeat(self) -> int:
        """How often a message may come again: the server was killed before it noted the answer."""
        return self.kills["server"]

    @property
    def repeated(self) -> int:
        """How often a message came that had come before."""
        messages = self.messages()
        return len(messages) - len({message.id for message in messages})

    def runs(self) -> Counter[tuple[str, str]]:
        """Return how often each step of each request was begun."""
        lines = (self.folder / "runs").read_text().splitlines()
        return Counter((line.split()[0], line.split()[1]) for line in lines)

    @property
    def figures(self) -> str:
        """What happened, as a line."""
        return (
            f"{self.kills['server']} kills of the server, {self.kills['child']} of the child, "
            f"{len(self.heard.acknowledged)} acknowledged, {len(self.heard.ended)} heard to end, "
            f"{self.repeated} messages sent again, {len(STEPS)} steps, {self.seconds:.0f} s"
        )
