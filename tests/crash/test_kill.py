"""kill -9 of the server and of the engine child: at each step's boundaries, and at random moments.

RETAKE_TEST_KILLS says how many times at random (60 when it is not set), RETAKE_TEST_SEED repeats a
run's decisions. Several data folders are tortured at once: most of a kill is waiting.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from retake.core.request import Status
from tests.crash import child_process, server_process
from tests.crash.nursery import Nursery
from tests.crash.torture import Torture
from tests.webhooks.receiver import Receiver

KILLS = int(os.environ.get("RETAKE_TEST_KILLS", "60"))
SEED = int(os.environ.get("RETAKE_TEST_SEED", random.randrange(2**32)))
FOLDERS = 6
RATE = 10.0


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as receiver:
        yield receiver


@pytest.mark.timeout(120 + 5 * KILLS)
def test_nothing_acknowledged_is_lost_or_done_twice(
    nursery: Nursery, receiver: Receiver, tmp_path: Path
) -> None:
    print(f"RETAKE_TEST_SEED={SEED}")  # noqa: T201
    tortures = [Torture(nursery, tmp_path / str(n), receiver, SEED + n) for n in range(FOLDERS)]
    share = -(-KILLS // FOLDERS)

    def torture(one: Torture) -> None:
        one.kill(share, RATE)
        one.finish(60 + share)

    with ThreadPoolExecutor(FOLDERS) as threads:
        list(threads.map(torture, tortures))
    for one in tortures:
        records = one.records()
        print(one.figures, Counter(str(each.status) for each in records.values()))  # noqa: T201
        one.check(records)
        ends = Counter(record.status for record in records.values())
        assert ends[Status.SUCCESS] > 0


def test_a_kill_at_any_boundary_costs_at_most_the_step_it_interrupts(
    nursery: Nursery, receiver: Receiver, tmp_path: Path
) -> None:
    points = {point.replace(" ", "-"): {"die_at": point} for point in child_process.POINTS}
    children = [
        {name: payload for name, payload in points.items() if name.endswith(stage.value)}
        for stage in child_process.STEPS
    ]
    server: dict[str, Any] = {f"server-{point}": {} for point in server_process.POINTS}
    server["server-discarded"] = {"fault": "refuses"}
    server["server-cancelled"] = {"work_s": 60, "cancel_s": None}
    groups = [*children, server, {server_process.ENDED: {}}]
    tortures = [Torture(nursery, tmp_path / str(n), receiver, 0) for n in range(len(groups))]

    def torture(one: Torture, requests: dict[str, Any]) -> None:
        while (status := one.start(one.plan(requests=requests)).end(90)) != 0:
            assert status == -signal.SIGKILL
            one.kills["server"] += 1

    with ThreadPoolExecutor(len(groups)) as threads:
        list(threads.map(torture, tortures, groups))
    assert sum(one.kills["server"] for one in tortures) == len(server_process.POINTS)
    ends: dict[str, Status] = {}
    for one, requests in zip(tortures, groups, strict=True):
        died = {path.name for path in (one.folder / "once").iterdir()}
        assert died == requests.keys(), "not every boundary was met"
        records = one.records()
        one.check(records)
        ends |= {name: record.status for name, record in records.items()}
        _check_runs(one.runs(), requests)
    others = {"server-cancelled": Status.CANCELLED, "server-discarded": Status.FAILED}
    assert ends == dict.fromkeys([*points, *server, server_process.ENDED], Status.SUCCESS) | others


def _check_runs(runs: Counter[tuple[str, str]], requests: dict[str, Any]) -> None:
    """Only the step that was interrupted was run again."""
    for name, payload in requests.items():
        when, _, dying = payload.get("die_at", "").partition(" ")
        for stage in child_process.STEPS if dying else ():
            again = stage == dying and when in ("in", "made")
            assert runs[name, stage] == 1 + again, f"{stage} of {name}"
