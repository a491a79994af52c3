"""Requests whose finished steps outlive the process: with `step_records` all that knows DBOS.

DBOS records what each step returned. A request that is run again, by another process, goes on
behind its last finished step.

How DBOS is used here keeps it cheap and obedient (docs/decisions/0002-queue.md): workflows are
started directly, since a queue of its own would poll; it is put to rest while nothing is to be
done; and it resumes nothing by itself at launch, since the server says what is to be run.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID, WorkflowStatus
from dbos import error as dbos_error

from retake.core.errors import RetakeError
from retake.queue.step_records import StepRecords, StepsFile

_log = logging.getLogger(__name__)

Step = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]
"""``step(name, fn)`` runs `fn` and returns its JSON-ready result; after a restart, the result that
was recorded, without running `fn`. A RetakeError that `fn` raises is recorded and raised too."""

Work = Callable[[dict[str, Any], Step], dict[str, Any]]

_RESULT_POLL_S = 0.2
_YOUNG = timedelta(minutes=10)


class Durable:
    """Runs requests one at a time and records their steps.

    There may be one in a process, and one for a file. One thread runs requests; the other methods
    may be called from any.

    Args:
        records: Where the steps are recorded; a path is that of a file.
        work: Does a request: ``work(request, step)``. It must not raise, and has to take its
            steps in the same order whenever they return the same.
    """

    def __init__(self, records: StepRecords | Path, work: Work) -> None:
        self._records = StepsFile(records) if isinstance(records, Path) else records
        self._work = work
        self._steps_changed = False
        self._executor_id = self._records.whose + secrets.token_hex(8)
        self._queued = False
        self._running: str | None = None
        self._turn = threading.Condition()
        self._launched = False
        self._first = True
        self._launching = threading.RLock()

        # A constant name: DBOS finds the function of an interrupted workflow by it.
        @DBOS.workflow(name="request", max_recovery_attempts=None)
        def workflow(request: dict[str, Any]) -> dict[str, Any]:
            return self._walk(request)

        self._workflow = workflow

    def launch(self) -> None:
        """Open the records. A damaged file is put aside: only finished steps are lost with it."""
        with self._launching:
            if self._launched:
                return
            self._records.prepare()
            DBOS(config=self._records.config(self._executor_id, first=self._first))
            if self._records.shared:
                DBOS.listen_queues([self._executor_id])
            DBOS.launch()
            self._launched = True
            self._first = False

    def rest(self) -> None:
        """Close the records and end DBOS's polling until there is something to do again.

        Nothing may be running. Takes a moment.
        """
        with self._launching:
            if self._launched:
                if self._queued:
                    DBOS.delete_queue(self._executor_id)
                    self._queued = False
                DBOS.destroy()
                self._launched = False

    def close(self) -> None:
        """Close the records for good; nothing may be running."""
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
        """Delete what was recorded of all requests but these.

        Where others record too, what is young is spared: it may have begun after the ids were read.
        """
        before = datetime.now(UTC) - _YOUNG if self._records.shared else None
        with self._launching:
            self.launch()
            known = DBOS.list_workflows(
                end_time=before.isoformat() if before else None,
                load_input=False,
                load_output=False,
            )
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
        elif self._left_by_another(known):
            handle = DBOS.resume_workflow(request_id, queue_name=self._own_queue())
        else:
            # Ended; or enqueued by a process that died in between, which DBOS then starts itself.
            handle = DBOS.retrieve_workflow(request_id)
        return handle.get_result(polling_interval_sec=_RESULT_POLL_S)

    def _left_by_another(self, known: WorkflowStatus) -> bool:
        """Return whether nobody goes on with an interrupted request unless this process does."""
        if known.status == "PENDING":
            return known.executor_id != self._executor_id
        return (
            known.status == "ENQUEUED"
            and self._records.shared
            and known.queue_name != self._executor_id
        )

    def _own_queue(self) -> str | None:
        """Return the queue that only this process listens to; None where no other does either.

        DBOS's own would hand the request to whichever process looks first.
        """
        if not self._records.shared:
            return None
        if not self._queued:
            DBOS.register_queue(self._executor_id)
            self._queued = True
        return self._executor_id

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
