"""Whatever workers do, and whenever they die, requests do as a simple model says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.database import Connection, Database
from retake.queue.fleet import statements as sql
from retake.queue.fleet.claims import Able, Claim, Claims
from retake.queue.fleet.rescue import Rescue
from retake.queue.opening import open_database
from retake.queue.record import NewRequest
from retake.queue.store import Store
from tests.postgres import PostgresServer

MEMORY = Path("/dev/shm")
KEYS = st.sampled_from("abc")
WORKERS = st.sampled_from("uvw")
LEASE_S = 10
MOST_OF_KEY = {"u": 0, "v": 0, "w": 2}
EMPTY = ("requests", "claims", "turns", "workers")


@dataclass
class Model:
    place: int
    key: str
    priority: int
    cancel_at: float
    status: Status = Status.QUEUED
    worker: str | None = None
    lease_until: float = 0.0
    attempt: int = 0
    crashes: int = 0
    losses: int = 0
    cancel: bool = False

    @property
    def sound(self) -> bool:
        few = self.crashes < sql.MOST_CRASHES and self.losses < sql.MOST_LOSSES
        return few and not self.cancel


class ClaimsMachine(RuleBasedStateMachine):
    """Plays servers and workers; the clock moves when it is told to."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.time = 1_000_000.0
        self.models: dict[str, Model] = {}
        self.turns: dict[str, int] = {}
        self.handed_out: list[tuple[str, Claim]] = []
        self.store = Store(self.database, lambda: self.time, 60)
        self.rescue = Rescue(self.database, clock=self.clock)
        self.workers = {name: self.worker(name, most) for name, most in MOST_OF_KEY.items()}
        self.do(self.database.write(self.empty))

    def empty(self, db: Connection) -> None:
        for table in EMPTY:
            db.execute(f"delete from {table}")

    def worker(self, name: str, most: int) -> Claims:
        able = Able(name, ("vfx",))
        return Claims(
            self.database, able, lease_s=LEASE_S, most_of_key=most, clock=lambda _db: self.time
        )

    def clock(self, _db: Connection) -> float:
        return self.time

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.loop.close()

    def status(self, *statuses: Status) -> dict[str, Model]:
        return {name: each for name, each in self.models.items() if each.status in statuses}

    def current(self, claim: Claim) -> bool:
        model = self.models[claim.request_id]
        return model.worker is not None and model.attempt == claim.attempt

    def expected(self, most: int) -> str | None:
        """Return which request is to be worked on next."""
        left = [
            (each.place, name)
            for name, each in self.status(Status.PROCESSING).items()
            if each.worker is None and each.sound
        ]
        if left:
            return min(left)[1]
        firsts: dict[str, tuple[int, int, str]] = {}
        for name, each in self.status(Status.QUEUED).items():
            here = (-each.priority, each.place, name)
            firsts[each.key] = min(firsts.get(each.key, here), here)
        busy = [each.key for each in self.status(Status.PROCESSING).values()]
        able = [
            (self.turns.get(key, 0), place, name)
            for key, (_, place, name) in firsts.items()
            if not most or busy.count(key) < most
        ]
        return min(able)[2] if able else None

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), priority=st.integers(-1, 1))
    def submit(self, keys: list[str], priority: int) -> None:
        for key in keys:
            self.submit_one(key, priority, 10**6)

    @rule(key=KEYS, within_s=st.sampled_from((5, 25)))
    def submit_with_a_deadline(self, key: str, within_s: int) -> None:
        self.submit_one(key, 0, within_s)

    def submit_one(self, key: str, priority: int, within_s: int) -> None:
        name = f"r{len(self.models)}"
        self.models[name] = Model(len(self.models), key, priority, self.time + within_s)
        at = int(self.time + within_s)
        new = NewRequest(name, key, "m", "vfx", {}, "url:x", 1, priority=priority, cancel_at=at)
        self.do(self.store.insert(new))

    @rule(names=st.lists(WORKERS, min_size=1, max_size=4))
    def claim(self, names: list[str]) -> None:
        for name in names:
            self.claim_one(name)

    def claim_one(self, name: str) -> None:
        expected = self.expected(MOST_OF_KEY[name])
        claim = self.do(self.workers[name].take())
        assert (claim and claim.request_id) == expected
        if claim is None:
            return
        model = self.models[claim.request_id]
        if model.status is Status.QUEUED:
            self.turns[model.key] = max(self.turns.values(), default=0) + 1
        model.status, model.worker = Status.PROCESSING, name
        model.lease_until = self.time + LEASE_S
        model.attempt += 1
        assert claim.attempt == model.attempt
        self.handed_out.append((name, claim))

    @rule(name=WORKERS)
    def beat(self, name: str) -> None:
        held, asked = self.do(self.workers[name].renew())
        own = {i: each for i, each in self.models.items() if each.worker == name}
        assert held == {i: each.attempt for i, each in own.items()}
        assert set(asked) == {i for i, each in own.items() if each.cancel}
        for each in own.values():
            each.lease_until = self.time + LEASE_S

    @precondition(lambda self: self.handed_out)
    @rule(data=st.data(), how=st.sampled_from(("progress", "enter")))
    def go_on(self, data: st.DataObject, how: str) -> None:
        name, claim = data.draw(st.sampled_from(self.handed_out))
        worker = self.workers[name]
        told = worker.enter(claim, "x") if how == "enter" else worker.progress(claim, 1, 2)
        assert self.do(told) == self.current(claim)

    @precondition(lambda self: self.handed_out)
    @rule(data=st.data(), status=st.sampled_from((Status.SUCCESS, Status.FAILED)))
    def end(self, data: st.DataObject, status: Status) -> None:
        name, claim = data.draw(st.sampled_from(self.handed_out))
        ours = self.current(claim)
        assert self.do(self.workers[name].end(claim, status, outcome={}, error=None)) == ours
        if ours:
            self.models[claim.request_id].status = status
            self.models[claim.request_id].worker = None

    @precondition(lambda self: self.handed_out)
    @rule(data=st.data(), crashes=st.integers(0, 1), losses=st.integers(0, 1))
    def give_back(self, data: st.DataObject, crashes: int, losses: int) -> None:
        name, claim = data.draw(st.sampled_from(self.handed_out))
        ours = self.current(claim)
        given = self.workers[name].give_back(claim, crashes=crashes, losses=losses)
        assert self.do(given) == ours
        if ours:
            model = self.models[claim.request_id]
            model.worker = None
            model.crashes += crashes
            model.losses += losses

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.cancelled(data.draw(st.sampled_from(sorted(self.models))))

    def cancelled(self, name: str) -> None:
        model = self.models[name]
        assert self.do(self.store.cancel(name)) == (model.status is Status.QUEUED)
        if model.status is Status.QUEUED:
            model.status = Status.CANCELLED
        elif model.status is Status.PROCESSING:
            model.cancel = True

    @rule(seconds=st.sampled_from((1, 5, 10, 11)))
    def time_passes(self, seconds: int) -> None:
        self.time += seconds

    @rule(times=st.integers(1, 2))
    def somebody_rescues(self, times: int) -> None:
        for _ in range(times):
            self.rescue_once()

    def rescue_once(self) -> None:
        late = {
            name
            for name, each in self.status(Status.QUEUED, Status.PROCESSING).items()
            if each.cancel_at <= self.time and not each.cancel
        }
        assert set(self.do(self.rescue.late())) == late
        for name in sorted(late):
            self.cancelled(name)
        held = {name: each for name, each in self.models.items() if each.worker is not None}
        over = {name: each for name, each in held.items() if each.lease_until <= self.time}
        assert set(self.do(self.rescue.drop_overdue())) == over.keys()
        for each in over.values():
            each.worker = None
            each.losses += 1
        left = self.status(Status.PROCESSING).items()
        hopeless = {name for name, each in left if each.worker is None and not each.sound}
        doomed = self.do(self.rescue.doomed())
        assert {each.request_id for each in doomed} == hopeless
        for each in doomed:
            model = self.models[each.request_id]
            assert each.status == (Status.CANCELLED if model.cancel else Status.FAILED)
            assert self.do(self.rescue.end(each))
            # Somebody else had the same idea.
            assert not self.do(self.rescue.end(each))
            model.status = each.status

    @invariant()
    def requests_and_claims_are_the_model_s(self) -> None:
        def look(db: Connection) -> tuple[list[Any], list[Any]]:
            of_requests = (
                "select request_id, status, worker, attempt, crashes, losses from requests"
            )
            of_claims = "select request_id, worker, attempt from claims order by request_id"
            return db.execute(of_requests).fetchall(), db.execute(of_claims).fetchall()

        requests, claims = self.do(self.database.read(look))
        assert {row[0]: tuple(row)[1:] for row in requests} == {
            name: (str(each.status), each.worker, each.attempt, each.crashes, each.losses)
            for name, each in self.models.items()
        }
        assert [tuple(row) for row in claims] == [
            (name, each.worker, each.attempt)
            for name, each in sorted(self.models.items())
            if each.worker is not None
        ]


@contextmanager
def opened(kind: str, request: pytest.FixtureRequest) -> Generator[Database]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        server: PostgresServer | None = None
        if kind == "postgresql":
            server = request.getfixturevalue("postgres")
        database = open_database(DataDir(Path(folder)), server.fresh() if server else "sqlite")
        try:
            yield database
        finally:
            database.close()


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 120), ("postgresql", 12)])
def test_claims_agree_with_the_model(
    kind: str, examples: int, request: pytest.FixtureRequest
) -> None:
    with opened(kind, request) as database:
        machine = type("Machine", (ClaimsMachine,), {"database": database})
        chosen = settings(max_examples=examples, stateful_step_count=30, deadline=None)
        run_state_machine_as_test(machine, settings=chosen)
