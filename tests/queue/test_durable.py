"""Recorded steps: done once, in whatever process. A copy of the file plays the killed process."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from retake.core.errors import BadSource, RetakeError
from retake.queue.durable import Durable, Step


class Work:
    """Takes steps a and b, and notes which of them were really done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.names = ("a", "b")
        self.fails_at = ""
        self.copy_at = ""
        self.copy: tuple[Path, Path] | None = None

    def __call__(self, request: dict[str, Any], step: Step) -> dict[str, Any]:
        try:
            results = [step(name, lambda name=name: self.do(name)) for name in self.names]
        except RetakeError as error:
            return {"status": "failed", "error": error.to_dict()}
        return {"status": "success", "outcome": {"results": results, "sent": request["payload"]}}

    def do(self, name: str) -> dict[str, Any]:
        if name == self.copy_at and self.copy is not None:
            # What another process would find if this one were killed here.
            shutil.copy(*self.copy)
        self.done.append(name)
        if name == self.fails_at:
            raise BadSource("too_long", "it is 30 s long", param="video_uri", retryable=True)
        return {"name": name, "text": "ü \U0001f4a5", "numbers": [1, 2.5, None]}


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def durable(tmp_path: Path, work: Work) -> Iterator[Durable]:
    durable = Durable(tmp_path / "dbos.sqlite", work)
    durable.launch()
    yield durable
    durable.close()


REQUEST = {"request_id": "r1", "payload": {"x": [1.5, "ü"]}}


def test_a_request_that_has_ended_is_not_done_again(durable: Durable, work: Work) -> None:
    first = durable.run("r1", REQUEST)
    assert first["outcome"]["sent"] == REQUEST["payload"]
    assert first["outcome"]["results"][1]["text"] == "ü \U0001f4a5"
    assert durable.run("r1", REQUEST) == first
    assert work.done == ["a", "b"]


def test_the_file_is_its_owners_only(durable: Durable, tmp_path: Path) -> None:
    assert (tmp_path / "dbos.sqlite").stat().st_mode & 0o077 == 0


def test_a_forgotten_request_is_done_again(durable: Durable, work: Work) -> None:
    durable.run("r1", REQUEST)
    durable.forget("r1")
    durable.forget("never heard of")
    durable.run("r1", REQUEST)
    assert work.done == ["a", "b", "a", "b"]


def test_only_what_is_to_be_kept_is_kept(durable: Durable, work: Work) -> None:
    for request_id in ("r1", "r2", "r3"):
        durable.run(request_id, REQUEST | {"request_id": request_id})
    durable.keep_only(["r2", "r9"])
    work.done.clear()
    for request_id in ("r1", "r2", "r3"):
        durable.run(request_id, REQUEST | {"request_id": request_id})
    assert work.done == ["a", "b", "a", "b"]


def test_a_resting_one_goes_on_as_before(durable: Durable, work: Work) -> None:
    first = durable.run("r1", REQUEST)
    durable.rest()
    durable.rest()
    assert durable.run("r1", REQUEST) == first
    assert work.done == ["a", "b"]


def status(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "dbos.sqlite")) as db:
        return db.execute("select status from workflow_status").fetchone()[0]


def interrupt(tmp_path: Path, work: Work, step: str) -> Durable:
    """Return another process's Durable, on the records as they stood when `step` began."""
    path = tmp_path / "dbos.sqlite"
    work.copy_at, work.copy = step, (path, tmp_path / "interrupted")
    first = Durable(path, work)
    first.run("r1", REQUEST)
    first.close()
    (tmp_path / "interrupted").replace(path)
    work.copy, work.done = None, []
    return Durable(path, work)


def test_an_interrupted_request_goes_on_behind_its_last_finished_step(
    tmp_path: Path, work: Work
) -> None:
    second = interrupt(tmp_path, work, "b")
    result = second.run("r1", REQUEST)
    assert work.done == ["b"]
    assert [step["name"] for step in result["outcome"]["results"]] == ["a", "b"]
    second.close()


def test_what_dbos_starts_by_itself_waits_until_it_is_asked_for(tmp_path: Path, work: Work) -> None:
    second = interrupt(tmp_path, work, "b")
    # As a process leaves it that is killed after it has resumed the request, before it goes on.
    with sqlite3.connect(tmp_path / "dbos.sqlite") as db:
        db.execute(
            "update workflow_status set status = 'ENQUEUED', queue_name = '_dbos_internal_queue'"
        )
    db.close()
    second.launch()
    for _ in range(40):
        time.sleep(0.1)
        if status(tmp_path) == "PENDING":
            break
    assert status(tmp_path) == "PENDING"
    time.sleep(0.2)
    assert work.done == []
    second.run("r2", REQUEST | {"request_id": "r2"})
    assert work.done == ["a", "b"]
    second.run("r1", REQUEST)
    assert work.done == ["a", "b", "b"]
    second.close()


def test_an_error_of_a_recorded_step_stays_the_same_error(tmp_path: Path, work: Work) -> None:
    work.names, work.fails_at = ("a", "b", "c"), "a"

    def tolerant(request: dict[str, Any], step: Step) -> dict[str, Any]:
        try:
            step("a", lambda: work.do("a"))
        except RetakeError as error:
            caught = error
        step("b", lambda: work.do("b"))
        return {"kind": type(caught).__name__, "error": caught.to_dict()}

    path = tmp_path / "dbos.sqlite"
    work.copy_at, work.copy = "b", (path, tmp_path / "interrupted")
    first = Durable(path, tolerant)
    before = first.run("r1", REQUEST)
    first.close()
    (tmp_path / "interrupted").replace(path)
    work.copy, work.done = None, []
    second = Durable(path, tolerant)
    assert second.run("r1", REQUEST) == before
    assert before["kind"] == "BadSource"
    assert before["error"]["param"] == "video_uri"
    assert work.done == ["b"]
    second.close()


def test_a_request_whose_recorded_steps_are_another_versions_starts_anew(
    tmp_path: Path, work: Work
) -> None:
    second = interrupt(tmp_path, work, "b")
    work.names = ("new", "b")
    result = second.run("r1", REQUEST)
    assert [step["name"] for step in result["outcome"]["results"]] == ["new", "b"]
    assert work.done == ["new", "b"]
    second.close()
