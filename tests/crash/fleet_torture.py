"""A fleet whose every process is killed, and whose connections to the database are cut."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.opening import open_database
from retake.queue.record import Record
from retake.queue.requests import Requests
from tests.crash.nursery import Job, Nursery
from tests.crash.server_process import KEYS, Plan
from tests.crash.torture import Heard, Torture
from tests.postgres import PostgresServer
from tests.webhooks.receiver import Receiver

PROCESSES = "tests.crash.fleet_processes"
SERVERS = ("api-1", "api-2")
WORKERS = ("worker-1", "worker-2")
_WHAT = ("server", "worker", "child", "connection")


class Member:
    """A process of the fleet that is started again whenever it was killed."""

    def __init__(self, nursery: Nursery, argv: list[str]) -> None:
        self._nursery, self._argv = nursery, argv
        self.heard = Heard()
        self.start()

    def start(self) -> None:
        reading, writing = os.pipe()
        self.job: Job = self._nursery.start(PROCESSES, self._argv, [writing])
        os.close(writing)
        self._listener = threading.Thread(target=self.heard.listen, args=(reading,))
        self._listener.start()

    def end(self, timeout_s: float) -> int:
        status = self.job.wait(timeout_s)
        self._listener.join(15)
        assert not self._listener.is_alive(), "a child outlived its worker"
        return status

    def kill_and_start(self) -> None:
        self.job.signal(9)
        self.end(30)
        self.start()


class FleetTorture(Torture):
    """Two API replicas and two workers on one PostgreSQL database."""

    # One kill a second may meet the same request five times, which ends it, by its rule.
    reasons = Torture.reasons | {"lost_workers"}

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        receiver: Receiver,
        postgres: PostgresServer,
        seed: int,
    ) -> None:
        super().__init__(nursery, folder, receiver, seed)
        self.postgres, self.url = postgres, postgres.fresh()
        self.shared = folder / "files"

    def server(self, name: str, plan: Plan) -> Member:
        where = [str(self.folder / name), plan.text(), str(self.shared), self.url]
        return Member(self.nursery, ["server", *where])

    def worker(self, name: str) -> Member:
        command = json.dumps(self.nursery.command)
        where = [str(self.folder / name), str(self.shared), self.url, command]
        return Member(self.nursery, ["worker", *where])

    def kill(self, kills: int, rate: float) -> None:
        """Kill and cut so often in all, at random moments, under load."""
        began = time.monotonic()
        with ExitStack() as ending:
            servers = [self.server(name, self.plan(rate=rate)) for name in SERVERS]
            workers = [self.worker(name) for name in WORKERS]
            for each in (*servers, *workers):
                ending.callback(each.job.signal, 9)
            for _ in range(kills):
                self._pause(servers)
                self._strike(self.chance.choice(_WHAT), servers, workers)
            self.seconds = time.monotonic() - began
            self._finish(servers, workers, ending, 60 + kills)

    def _finish(
        self, servers: list[Member], workers: list[Member], ending: ExitStack, within_s: float
    ) -> None:
        for each in servers:
            each.job.signal(9)
            each.end(30)
            self._add(each.heard)
        # One that asks for nothing goes on until everything has ended and was told.
        last = self.server("api-3", self.plan())
        ending.callback(last.job.signal, 9)
        assert last.end(within_s) == 0
        for each in workers:
            each.job.signal(15)
        assert [each.end(30) for each in workers] == [0, 0]

    def lose_database(self, away_s: float, rate: float) -> float:
        """Let the database be away under load; return how long the first end took after it."""
        with ExitStack() as ending:
            servers = [self.server(name, self.plan(rate=rate)) for name in SERVERS]
            workers = [self.worker(name) for name in WORKERS]
            for each in (*servers, *workers):
                ending.callback(each.job.signal, 9)
            self._until_more(servers, 30)
            self.postgres.stop()
            time.sleep(away_s)
            self.postgres.start_again()
            back = time.monotonic()
            self._until_more(servers, 60)
            took_s = time.monotonic() - back
            # Nobody had to be started again.
            for each in (*servers, *workers):
                os.kill(each.job.pid, 0)
            self._finish(servers, workers, ending, 60)
        return took_s

    def _until_more(self, servers: list[Member], within_s: float) -> None:
        until = time.monotonic() + within_s
        ended = sum(len(each.heard.ended) for each in servers)
        while sum(len(each.heard.ended) for each in servers) <= ended + 2:
            assert time.monotonic() < until, "nothing ends"
            time.sleep(0.02)

    def _strike(self, what: str, servers: list[Member], workers: list[Member]) -> None:
        self.kills[what] += 1
        match what:
            case "server":
                self.chance.choice(servers).kill_and_start()
            case "worker":
                self.chance.choice(workers).kill_and_start()
            case "child":
                heard = self.chance.choice(workers).heard
                pid, heard.child = heard.child, 0
                try:
                    os.kill(pid or 2**30, 9)
                except ProcessLookupError:
                    self.kills["child"] -= 1
            case _:
                # None is open where all have just been cut.
                self.kills["connection"] -= not self.postgres.cut(self.url)

    def _pause(self, servers: list[Member]) -> None:
        """Wait for one more end, mostly; sometimes strike into a start."""
        ended = [len(each.heard.ended) for each in servers]
        until = time.monotonic() + 5
        if self.chance.random() < 0.6:
            while [len(each.heard.ended) for each in servers] == ended:
                if time.monotonic() > until:
                    break
                time.sleep(0.01)
        time.sleep(self.chance.uniform(0, 0.5))

    def _add(self, heard: Heard) -> None:
        self.heard.acknowledged += heard.acknowledged
        self.heard.cancelling += heard.cancelling
        self.heard.ended += heard.ended

    def records(self) -> dict[str, Record]:
        """Return every request as the fleet has left it."""
        data_dir = DataDir(self.folder / "look")
        requests = Requests(data_dir, database=open_database(data_dir, self.url))
        try:
            return {
                record.request_id: record
                for key_id in KEYS
                for record in asyncio.run(requests.list(key_id, limit=1_000_000))[0]
            }
        finally:
            requests.close()

    def check_files(self, records: dict[str, Record]) -> None:
        """Each success has its one file; what others have left is what `retake doctor` finds."""
        wanted = {
            self.shared / f"outputs/{i}/video.txt"
            for i, each in records.items()
            if each.status is Status.SUCCESS
        }
        files = {path for path in self.shared.rglob("*") if path.is_file()}
        assert wanted <= files, "a result is lost"
        for path in wanted:
            makers = records[path.parent.name].outcome["report"]["makers"]  # type: ignore[index]
            assert path.read_text().splitlines() == makers
        # Its worker was killed between the end that it wrote down and the removal of its files.
        self.left = len(files - wanted)
        assert self.left <= self.kills["worker"], files - wanted

    @property
    def may_repeat(self) -> int:
        """How often a message may come again: whoever sends it was killed, or cut off."""
        return 3 * (self.kills["server"] + self.kills["connection"])

    @property
    def figures(self) -> str:
        """What happened, as a line."""
        return (
            f"kills {dict(self.kills)}, {len(self.heard.acknowledged)} acknowledged, "
            f"{len(self.heard.ended)} heard to end, {self.repeated} messages sent again, "
            f"{self.left} files left behind, {self.seconds:.0f} s"
        )


def ends(records: dict[str, Record]) -> Counter[str]:
    """Return how many ended how."""
    return Counter(str(each.status) for each in records.values())
