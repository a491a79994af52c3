"""The engine child: takes requests from the server, walks their steps, tells how far it is.

It has one thread that listens to the server, and one that works. It ends when the server is gone:
whatever it was doing is taken up behind the last finished step by the next child.

    def run_request(request, step, watch): ...   # see RunRequest
    run_child(fd, data_dir, run_request)
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from retake.core.errors import Cancelled, RetakeError
from retake.core.watch import Watch
from retake.queue.data_dir import DataDir
from retake.queue.durable import Durable, Step
from retake.queue.pipe import Pipe
from retake.queue.step_records import StepRecords, StepsFile, are_away
from retake.queue.telling import Teller, failed
from retake.telemetry.about import About, all_about
from retake.telemetry.traces import Traces

_log = logging.getLogger(__name__)

RunRequest = Callable[[dict[str, Any], Step, Watch], dict[str, Any]]
"""``run_request(request, step, watch)`` does one request and returns its outcome:
``{"files": {name: stored name}, "report": {…}, "notes": […]}``. `request` is what
`Record.for_engine` gave. Work that is to outlive a restart goes through ``step(name, fn)``. It may
raise RetakeError, Cancelled among them. Its folder is ``data_dir.work / request_id``, which is
deleted once the request has ended."""

# After so long without a request results are repeated, or the recording is put to rest.
_IDLE_S = 5.0
_YOUNG_S = 600


def run_child(
    fd: int,
    data_dir: DataDir,
    run_request: RunRequest,
    *,
    prepare: Callable[[], None] | None = None,
    traces: Traces | None = None,
    forget: Callable[[str], None] | None = None,
    records: StepRecords | None = None,
) -> NoReturn:
    """Work until the server is gone or says stop, then end the process.

    Args:
        fd: The socket that the server opened for this child.
        data_dir: The data folder; it is the server that holds its lock.
        run_request: Does one request.
        prepare: Called on a thread of its own once the child is ready: what may take its time.
        traces: Traces the work.
        forget: Called, on a thread of its own, with the id of a request that has ended: what it
            left elsewhere is to be removed.
        records: Where steps are recorded; None is the data folder's own file.
    """
    traces = traces or Traces()
    # Ctrl-C goes to the whole terminal; it is the server that tells the child to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    try:
        _Child(Pipe(fd), data_dir, run_request, traces, forget, records).run(prepare)
        status = 0
    except BaseException:  # noqa: BLE001 - it is logged, and the supervisor sees the status
        _log.critical("the engine child cannot go on", exc_info=True)
        status = 1
    # Not sys.exit: that would wait for the work, which is safe to leave at any point.
    traces.close()
    logging.shutdown()
    os._exit(status)


class _Child:
    def __init__(
        self,
        pipe: Pipe,
        data_dir: DataDir,
        run_request: RunRequest,
        traces: Traces,
        forget: Callable[[str], None] | None,
        records: StepRecords | None,
    ) -> None:
        self._pipe = pipe
        self._run_request = run_request
        self._traces = traces
        self._forget_elsewhere = forget
        self._data_dir = data_dir
        self._records = records or StepsFile(data_dir.steps)
        self._durable = Durable(self._records, self._work)
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        # Every request that this child was given and that is not acknowledged yet.
        self._cancels: dict[str, threading.Event] = {}
        self._results: dict[str, dict[str, Any]] = {}

    def run(self, prepare: Callable[[], None] | None) -> None:
        if not self._records.shared:
            self._data_dir.lock_steps()
        self._durable.launch()
        threading.Thread(target=self._work_off, name="worker", daemon=True).start()
        self._say({"say": "ready"})
        if prepare is not None:
            threading.Thread(target=prepare, name="prepare", daemon=True).start()
        for message in self._pipe:
            match message:
                case {"do": "begin", "keep": list() as keep}:
                    self._keep_only(keep)
                case {"do": "run", "request": dict() as request}:
                    self._take(request)
                case {"do": "cancel", "request_id": str() as request_id}:
                    self._cancel(request_id)
                case {"do": "ack", "request_id": str() as request_id}:
                    self._forget(request_id)
                case {"do": "drop", "request_id": str() as request_id}:
                    self._drop(request_id)
                case {"do": "stop"}:
                    return
                case _:
                    _log.error("the server said what nobody understands: %.200r", message)

    def _take(self, request: dict[str, Any]) -> None:
        request_id = request["request_id"]
        if request_id not in self._cancels:
            self._cancels[request_id] = threading.Event()
            self._waiting.put(request)

    def _cancel(self, request_id: str) -> None:
        if cancel := self._cancels.get(request_id):
            cancel.set()

    def _forget(self, request_id: str) -> None:
        try:
            self._durable.forget(request_id)
        except Exception:  # noqa: BLE001 - the next child tries again
            _log.exception("the steps of request %s could not be deleted", request_id)
        if self._forget_elsewhere is not None:
            elsewhere = (request_id,)
            threading.Thread(target=self._forget_elsewhere, args=elsewhere, daemon=True).start()
        shutil.rmtree(self._data_dir.work / request_id, ignore_errors=True)
        self._drop(request_id)

    def _drop(self, request_id: str) -> None:
        """Know nothing of a request any more; its steps and files may be another's by now."""
        self._results.pop(request_id, None)
        self._cancels.pop(request_id, None)

    def _keep_only(self, request_ids: list[str]) -> None:
        """Delete the steps and the work folders of all requests but these."""
        self._durable.keep_only(request_ids)
        for folder in self._data_dir.work.iterdir():
            if folder.name not in request_ids and not self._may_be_anothers(folder):
                shutil.rmtree(folder, ignore_errors=True)

    def _may_be_anothers(self, folder: Path) -> bool:
        """Return whether another child may have begun it since the ids were read."""
        if not self._records.shared:
            return False
        try:
            return time.time() - folder.stat().st_mtime < _YOUNG_S
        except FileNotFoundError:
            return True

    def _work_off(self) -> None:
        try:
            while True:
                self._do(self._next())
        except BaseException:  # noqa: BLE001 - a child that no longer works must not live on
            _log.critical("the worker cannot go on", exc_info=True)
            os._exit(1)

    def _next(self) -> dict[str, Any]:
        """Wait for the next request; meanwhile repeat what nobody acknowledged, then rest."""
        patience_s: float | None = _IDLE_S
        while True:
            try:
                return self._waiting.get(timeout=patience_s)
            except queue.Empty:
                if self._results:
                    self._send_results()
                else:
                    self._durable.rest()
                    patience_s = None

    def _do(self, request: dict[str, Any]) -> None:
        request_id = request["request_id"]
        if self._cancels[request_id].is_set():
            result: dict[str, Any] = {"status": "cancelled"}
        else:
            self._say({"say": "begun", "request_id": request_id})
            try:
                result = self._durable.run(request_id, request)
            except Exception as error:  # noqa: BLE001 - the request ends, the child goes on
                _leave_if_away(error)
                _log.exception("request %s could not be recorded", request_id)
                result = failed(error)
        self._results[request_id] = result
        self._send_results()

    def _send_results(self) -> None:
        for request_id, result in list(self._results.items()):
            self._say({"say": "finished", "request_id": request_id, "result": result})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            # The server is gone. Raised into the work, this would be recorded as its failure.
            os._exit(0)

    def _work(self, request: dict[str, Any], step: Step) -> dict[str, Any]:
        request_id, trace = request["request_id"], request.get("trace")
        with all_about(About(request_id, trace)):
            return self._ended(request, step, trace)

    def _ended(self, request: dict[str, Any], step: Step, trace: str | None) -> dict[str, Any]:
        """Do the work; return how it ended."""
        request_id = request["request_id"]
        try:
            with self._traces.work(request_id, trace, Teller(self._say, request_id).tell) as tell:
                watch = Watch(tell, self._cancels[request_id])
                watch.check()
                return {"status": "success", "outcome": self._run_request(request, step, watch)}
        except Cancelled:
            return {"status": "cancelled"}
        except RetakeError as error:
            return {"status": "failed", "error": error.to_dict()}
        except Exception as error:  # noqa: BLE001 - the request ends, the child goes on
            _leave_if_away(error)
            _log.exception("request %s failed unexpectedly", request_id)
            return failed(error)


def _leave_if_away(error: Exception) -> None:
    """End the process where its records are away: what was begun is given back as it is."""
    if are_away(error):
        _log.warning("the recorded steps cannot be reached: %s", error)
        os._exit(0)
