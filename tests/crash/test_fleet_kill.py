"""kill -9 of everything in a fleet: API replicas, workers, engine children, connections.

RETAKE_TEST_KILLS says how many times (20 when it is not set), RETAKE_TEST_SEED repeats a run's
decisions, RETAKE_TEST_AWAY_S says how long the database is away (4 s).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.fleet_torture import FleetTorture, ends
from tests.crash.nursery import Nursery
from tests.postgres import PostgresServer, postgres_server
from tests.webhooks.receiver import Receiver

KILLS = int(os.environ.get("RETAKE_TEST_KILLS", "20"))
SEED = int(os.environ.get("RETAKE_TEST_SEED", random.randrange(2**32)))
AWAY_S = float(os.environ.get("RETAKE_TEST_AWAY_S", "4"))
RATE = 5.0


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as receiver:
        yield receiver


@pytest.mark.timeout(180 + 6 * KILLS)
def test_a_fleet_loses_nothing_and_does_nothing_twice(
    nursery: Nursery, receiver: Receiver, postgres: PostgresServer, tmp_path: Path
) -> None:
    print(f"RETAKE_TEST_SEED={SEED}")  # noqa: T201
    fleet = FleetTorture(nursery, tmp_path / "fleet", receiver, postgres, SEED)
    fleet.kill(KILLS, RATE)
    records = fleet.records()
    fleet.check(records)
    print(fleet.figures, dict(ends(records)))  # noqa: T201
    assert ends(records)["success"] > 0


@pytest.mark.timeout(240 + AWAY_S)
@pytest.mark.usefixtures("postgres")
def test_a_database_that_is_away_for_a_while_costs_nothing(
    nursery: Nursery, receiver: Receiver, tmp_path: Path
) -> None:
    # A server of its own: the others' is not to be stopped.
    with postgres_server() as own:
        fleet = FleetTorture(nursery, tmp_path / "fleet", receiver, own, SEED)
        took_s = fleet.lose_database(AWAY_S, RATE)
        fleet.kills["connection"] += 1
        fleet.kills["server"] += 2
        fleet.check(fleet.records())
    print(f"{AWAY_S:.0f} s away, {took_s:.1f} s until three requests had ended")  # noqa: T201
