"""Whatever happens in whatever order, the requests do as a simple model says."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.dispatch import MAX_CRASHES
from retake.queue.record import NewRequest
from retake.queue.requests import Requests

# In memory where there is such a place: thousands of commits, and power cuts are not the subject.
MEMORY = Path("/dev/shm")
KEYS = st.sampled_from(("a", "b", "c"))
RESULTS = {
    Status.SUCCESS: {"status": "success", "outcome": {"files": {}}},
    Status.FAILED: {"status": "failed", "error": {"code": "no"}},
    Status.CANCELLED: {"status": "cancelled"},
}


@dataclass
class Model:
    key: str
    status: Status = Status.QUEUED
    cancel: bool = False
    crashes: int = 0


class RequestsMachine(RuleBasedStateMachine):
    """Plays the API and the supervisor; a fake clock moves a second with each rule."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.loop = asyncio.new_event_loop()
        self.time = 1000.0
        self.model: dict[str, Model] = {}
        self.child: list[str] = []
        self.alive = False
        self.running: str | None = None
        self.open()

    def open(self) -> None:
        self.requests = Requests(
            DataDir(Path(self.folder.name)), now=lambda: self.time, clock=lambda: self.time
        )
        self.requests.dispatch.attach(self)

    def look(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def do(self, work: Any) -> Any:
        self.time += 1
        return self.loop.run_until_complete(work)

    # The machine is the requests' link to the child, too.
    def wake(self) -> None:
        while self.alive and (request_id := self.requests.dispatch.admit()):
            self.child.append(request_id)

    def cancel(self, request_id: str) -> bool:
        return self.alive

    def end(self, request_id: str, status: Status) -> None:
        if not self.model[request_id].status.terminal:
            self.model[request_id].status = status

    @rule(key=KEYS)
    def create(self, key: str) -> None:
        request_id = f"r{len(self.model)}"
        self.model[request_id] = Model(key)
        record = self.do(
            self.requests.create(NewRequest(request_id, key, "m", "e", {}, "url:x", 1))
        )
        assert record.created_at == self.time

    @precondition(lambda self: not self.alive)
    @rule()
    def child_starts(self) -> None:
        self.alive = True
        self.child = self.requests.dispatch.admitted()
        self.wake()

    @precondition(lambda self: self.running is None and self.child)
    @rule()
    def child_begins(self) -> None:
        self.running = self.child.pop(0)
        begun = self.do(self.requests.dispatch.begun(self.running))
        assert begun is not self.model[self.running].status.terminal
        if begun:
            self.model[self.running].status = Status.PROCESSING
        else:
            self.running = None

    @precondition(lambda self: self.running)
    @rule(status=st.sampled_from(sorted(RESULTS)), twice=st.booleans())
    def child_finishes(self, status: Status, twice: bool) -> None:
        assert self.running is not None
        self.end(self.running, status)
        for _ in range(1 + twice):
            self.do(self.requests.dispatch.ended(self.running, RESULTS[status]))
        self.running = None

    @precondition(lambda self: self.alive)
    @rule(crashed=st.booleans())
    def child_dies(self, crashed: bool) -> None:
        self.alive = False
        if self.running is not None:
            model = self.model[self.running]
            model.crashes += crashed
            if model.cancel:
                self.end(self.running, Status.CANCELLED)
            elif model.crashes >= MAX_CRASHES:
                self.end(self.running, Status.FAILED)
        self.running = None
        self.child = []
        self.do(self.requests.dispatch.child_lost(crashed=crashed))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), key=KEYS)
    def user_cancels(self, data: st.DataObject, key: str) -> None:
        request_id = data.draw(st.sampled_from(sorted(self.model)))
        model = self.model[request_id]
        record = self.do(self.requests.cancel(request_id, key))
        if key != model.key:
            assert record is None
            return
        if model.status is Status.PROCESSING and self.alive:
            model.cancel = True
        else:
            self.end(request_id, Status.CANCELLED)
        assert record.status is model.status

    @rule()
    def server_restarts(self) -> None:
        self.requests.close()
        self.alive, self.running, self.child = False, None, []
        for request_id, model in self.model.items():
            if model.cancel:
                self.end(request_id, Status.CANCELLED)
        self.open()

    @invariant()
    def statuses_are_the_models(self) -> None:
        for key in ("a", "b", "c"):
            records, total = self.look(self.requests.list(key, limit=1000))
            expected = {i: m.status for i, m in self.model.items() if m.key == key}
            assert total == len(expected)
            assert {record.request_id: record.status for record in records} == expected
            for record in records:
                assert (record.finished_at is not None) == record.status.terminal
                assert (record.progress is not None) == (record.status is Status.PROCESSING)

    @invariant()
    def the_child_has_at_most_two_and_none_that_has_ended(self) -> None:
        admitted = self.requests.dispatch.admitted()
        assert len(admitted) <= 2
        assert not any(self.model[request_id].status.terminal for request_id in admitted)

    @invariant()
    def positions_count_up_and_keep_each_keys_order(self) -> None:
        positions: dict[str, int] = {}
        for request_id, model in self.model.items():
            record = self.look(self.requests.get(request_id, model.key))
            assert record is not None
            assert (record.queue_position is not None) == (model.status is Status.QUEUED)
            if record.queue_position is not None:
                positions[request_id] = record.queue_position
        # What was interrupted goes first.
        interrupted = sum(
            model.status is Status.PROCESSING and request_id != self.running
            for request_id, model in self.model.items()
        )
        expected = range(interrupted, interrupted + len(positions))
        assert sorted(positions.values()) == list(expected)
        for key in ("a", "b", "c"):
            own = [position for i, position in positions.items() if self.model[i].key == key]
            assert own == sorted(own)

    @invariant()
    def a_living_child_never_lacks_work(self) -> None:
        waiting = [i for i, m in self.model.items() if m.status is Status.QUEUED]
        if self.alive and waiting:
            assert self.requests.dispatch.admitted()

    def teardown(self) -> None:
        self.requests.close()
        self.loop.close()
        self.folder.cleanup()


TestRequests = RequestsMachine.TestCase
TestRequests.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
