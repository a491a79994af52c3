"""Requests whose finished steps outlive the process: the only file that knows DBOS.

DBOS records what each step returned. A request that is run again, by another process, goes on
behind its last finished step.

How DBOS is used here keeps it cheap and obedient (docs/decisions/0002-queue.md): workflows are
started directly, since a queue of its own would poll; it is put to rest while nothing is to be
done; and it resumes nothing by itself at launch, since the server says what is to be run.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from dbos import error as dbos_error

from retake.core.errors import RetakeError
from retake.queue.old_sqlite import teach_subsec

_log = logging.getLogger(__name__)

Step = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]
"""``step(name, fn)`` runs `fn` and returns its JSON-ready result; after a restart, the result that
was recorded, without running `fn`. A RetakeError that `fn` raises is recorded and raised too."""

Work = Callable[[dict[str, Any], Step], dict[str, Any]]

_RESULT_POLL_S = 0.2
_NEVER_S = 3600.0
_SHORT_S = 0.1


class Durable:
    """Runs requests one at a time and records their steps in an SQLite file.

    There may be one in a process, and one for a file. One thread runs requests; the other methods
    may be called from any.

    Args:
        path: The file of the recorded steps.
        work: Does a request: ``work(request, step)``. It must not raise, and has to take its
            steps in the same order whenever they return the same.
    """

    def __init__(self, path: Path, work: Work) -> None:
        self._path = path
        self._work = work
        self._steps_changed = False
        self._executor_id = secrets.token_hex(8)
        self._running: str | None = None
        self._turn = threading.Condition()
        self._launched = False
        self._launching = threading.RLock()

        # A constant name: DBOS finds the function of an interrupted workflow by it.
        @DBOS.workflow(name="request", max_recovery_attempts=None)
        def workflow(request: dict[str, Any]) -> dict[str, Any]:
            return self._walk(request)

        self._workflow = workflow

    def launch(self) -> None:
        """Open the file. A damaged one is put aside: only finished steps are lost with it."""
        with self._launching:
            if self._launched:
                return
            if not _sound(self._path):
                aside = self._path.with_name(f"{self._path.name}.damaged-{int(time.time())}")
                _log.error("%s is damaged and was renamed to %s", self._path.name, aside.name)
                self._path.replace(aside)
            # SQLite would create it with the umask's permissions.
            self._path.touch(mode=0o600)
            teach_subsec()
            DBOS(config=_config(self._path, self._executor_id))
            DBOS.launch()
            self._launched = True

    def rest(self) -> None:
        """Close the file and end DBOS's polling until there is something to do again.

        Nothing may be running. Takes a moment.
        """
        with self._launching:
            if self._launched:
                DBOS.destroy()
                self._launched = False

    def close(self) -> None:
        """Close the file for good; nothing may be running."""
        with self._launching:
            DBOS.destroy(destroy_registry=True)
            self._launched = False

    def run(self, request_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """Do a request, or go on with it, or return what it gave before; blocks until it ends."""
        self.launch()
        while True:
            self._steps_changed = False
            self._give_turn(request_id)
            try:
                result = self._run(request_id, request)
            finally:
                self._give_turn(None)
            if not self._steps_changed:
                return result
            _log.warning("request %s starts anew: its steps were another version's", request_id)
            DBOS.delete_workflow(request_id)

    def forget(self, request_id: str) -> None:
        """Delete what was recorded of a request."""
        with self._launching:
            self.launch()
            DBOS.delete_workflow(request_id)

    def keep_only(self, request_ids: Collection[str]) -> None:
        """Delete what was recorded of all requests but these."""
        with self._launching:
            self.launch()
            known = DBOS.list_workflows(load_input=False, load_output=False)
            stale = {workflow.workflow_id for workflow in known} - set(request_ids)
            DBOS.delete_workflows(sorted(stale))

    def _run(self, request_id: str, request: dict[str, Any]) -> dict[str, Any]:
        known = DBOS.get_workflow_status(request_id)
        if known is not None and known.status == "ERROR":
            DBOS.delete_workflow(request_id)
            known = None
        if known is None:
            with SetWorkflowID(request_id):
                handle = DBOS.start_workflow(self._workflow, request)
        elif known.status == "PENDING" and known.executor_id != self._executor_id:
            handle = DBOS.resume_workflow(request_id)
        else:
            # Ended; or enqueued by a process that died in between, which DBOS then starts itself.
            handle = DBOS.retrieve_workflow(request_id)
        return handle.get_result(polling_interval_sec=_RESULT_POLL_S)

    def _give_turn(self, request_id: str | None) -> None:
        with self._turn:
            self._running = request_id
            self._turn.notify_all()

    def _walk(self, request: dict[str, Any]) -> dict[str, Any]:
        # DBOS may have started it unasked, see `_run`.
        with self._turn:
            self._turn.wait_for(lambda: self._running == request["request_id"])
        return self._work(request, self._step)

    def _step(self, name: str, fn: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        def recorded() -> dict[str, Any]:
            # As data: an exception that DBOS had recorded would come back as another class.
            try:
                return {"result": fn()}
            except RetakeError as error:
                return {"error": error.to_dict()}

        try:
            outcome = DBOS.run_step({"name": name}, recorded)
        except dbos_error.DBOSUnexpectedStepError as error:
            self._steps_changed = True
            raise RetakeError("internal", "the recorded steps are of another version") from error
        if "error" in outcome:
            raise RetakeError.from_dict(outcome["error"])
        return outcome["result"]


def _config(path: Path, executor_id: str) -> DBOSConfig:
    return {
        "name": "retake",
        "system_database_url": f"sqlite:///{path}",
        "serializer": DBOSPortableJSONSerializer(),
        # Pinned: a version of its own for each release would leave requests behind at an upgrade.
        "application_version": "1",
        # A new one each time: DBOS resumes at launch what its own executor left, unasked.
        "executor_id": executor_id,
        "log_level": "WARNING",
        # Neither notifications nor schedules are used. The former's thread ends only at its next
        # poll, which `rest` waits for; the latter's at once.
        "notification_listener_polling_interval_sec": _SHORT_S,
        "scheduler_polling_interval_sec": _NEVER_S,
    }


def _sound(path: Path) -> bool:
    """Return whether the file is absent, empty or an SQLite database without damage."""
    if not path.exists():
        return True
    try:
        db = sqlite3.connect(path)
        try:
            return db.execute("pragma quick_check").fetchone() == ("ok",)
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return False
