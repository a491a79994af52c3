"""kill -9 of the server and of the engine child, at random moments, under load.

RETAKE_TEST_KILLS says how many times (8 when it is not set), RETAKE_TEST_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.requests import Requests
from tests.crash.server_process import KEYS

KILLS = int(os.environ.get("RETAKE_TEST_KILLS", "8"))
SEED = int(os.environ.get("RETAKE_TEST_SEED", random.randrange(2**32)))
REQUESTS_A_SECOND = 3
SERVER = Path(__file__).with_name("server_process.py")


@dataclass
class Heard:
    """What servers said before they were killed. What is in the pipe by then is not lost."""

    acknowledged: list[str] = field(default_factory=list)
    cancelling: list[str] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    child: int = 0

    def listen(self, server: subprocess.Popen[str]) -> None:
        assert server.stdout is not None
        for line in server.stdout:
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

    def __init__(self, folder: Path, rate: float, heard: Heard) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.server_process", str(folder), str(rate)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self.listener = threading.Thread(target=heard.listen, args=(self.process,))
        self.listener.start()

    def end(self, timeout_s: float | None = None) -> int:
        status = self.process.wait(timeout_s)
        self.listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def wait_for_more(heard: Heard) -> None:
    """Wait until one more request has ended."""
    ended, until = len(heard.ended), time.monotonic() + 15
    while len(heard.ended) == ended and time.monotonic() < until:
        time.sleep(0.02)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.timeout(60 + 15 * KILLS)
def test_nothing_acknowledged_is_lost_or_ends_twice(tmp_path: Path) -> None:
    print(f"RETAKE_TEST_SEED={SEED}")  # noqa: T201
    chance = random.Random(SEED)
    heard = Heard()
    with ExitStack() as running:
        torture(tmp_path, chance, heard, running)
    check(tmp_path, heard)


def torture(folder: Path, chance: random.Random, heard: Heard, running: ExitStack) -> None:
    def start(rate: float) -> Running:
        server = Running(folder, rate, heard)
        running.callback(server.process.kill)
        return server

    server = start(REQUESTS_A_SECOND)
    for _ in range(KILLS):
        # Mostly into the work, sometimes into the start.
        if chance.random() < 0.7:
            wait_for_more(heard)
            time.sleep(chance.uniform(0, 0.5))
        else:
            time.sleep(chance.uniform(0, 2))
        if chance.random() < 0.5 and heard.child:
            kill(heard.child)
        else:
            kill(server.process.pid)
            assert server.end() == -signal.SIGKILL
            server = start(REQUESTS_A_SECOND)
    time.sleep(1)
    kill(server.process.pid)
    server.end()
    assert start(0).end(timeout_s=60 + 5 * KILLS) == 0


def check(folder: Path, heard: Heard) -> None:
    with DataDir(folder) as data_dir:
        requests = Requests(data_dir)
        records = {
            record.request_id: record
            for key_id in KEYS
            for record in requests.list(key_id, limit=1_000_000)[0]
        }
        requests.close()
    counts = Counter(record.status.value for record in records.values())
    print(f"{KILLS} kills, {len(heard.acknowledged)} acknowledged, {dict(counts)}")  # noqa: T201

    assert heard.acknowledged
    assert set(heard.acknowledged) <= records.keys(), "an acknowledged request is lost"
    assert all(record.status.terminal for record in records.values()), "a request did not end"
    assert counts[Status.SUCCESS] > 0
    # Only one whose child was killed three times may fail.
    errors = Counter(record.error["code"] for record in records.values() if record.error)
    assert errors.keys() <= {"crashed_engine"}, errors
    assert all(records[request_id].status == status for request_id, status in heard.ended), (
        "a request ended twice"
    )
    assert {
        request_id
        for request_id in heard.cancelling
        if records[request_id].status not in (Status.CANCELLED, Status.SUCCESS)
    } == set(), "a cancelled request went another way"

    published = Counter(path.parent.name for path in data_dir.files.glob("outputs/*/*"))
    for record in records.values():
        if record.status is Status.SUCCESS:
            assert published[record.request_id] == 1, "not exactly one result"
            assert record.outcome is not None
            result = (data_dir.files / record.outcome["files"]["video"]).read_text()
            assert result.splitlines() == record.outcome["report"]["makers"]
    # The last request's may be there: the server went before its end was acknowledged.
    assert len(list(data_dir.work.iterdir())) <= 1, "work folders were left behind"
