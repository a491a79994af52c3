"""The engine child, kept alive: started, given requests, listened to, started again.

    with DataDir(path) as data_dir:
        requests = Requests(data_dir)
        supervisor = Supervisor(
            lambda fd: [sys.executable, "-m", "retake.cli.main", "worker", …, str(fd)],
            requests,
        )
        await supervisor.start()         # on the server's event loop
        …                                # serve; /healthz tells supervisor.ready
        requests.release()               # as soon as SIGTERM comes: lets held calls go
        await supervisor.stop()
        requests.close()

and in the child: ``run_child(fd, DataDir(path), run_request)``.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from asyncio import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from retake.core.errors import RetakeError
from retake.queue import pipe
from retake.queue.desk import Desked
from retake.queue.fault import crashed_itself, memory_kills

_log = logging.getLogger(__name__)

# The first start, the first restart, and so on while nothing gets finished.
_BACK_OFF_S = (0.0, 0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)

_FAILING = 3


class Supervisor:
    """Runs one engine child and passes on what it and the requests have to say to each other.

    Args:
        command: Gives the child's command line for the number of its inherited socket.
        requests: The requests; their event loop is this one's.
        ready_s: How long the child may take from its start until it says that it is ready.
        cancel_s: How long it may take to stop working on a cancelled request.
        stop_s: How long it may take to end when it is told to.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        requests: Desked,
        *,
        ready_s: float = 120.0,
        cancel_s: float = 15.0,
        stop_s: float = 5.0,
    ) -> None:
        self._command = command
        self._requests = requests
        self._ready_s = ready_s
        self._cancel_s = cancel_s
        self._stop_s = stop_s
        self._process: subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready = False
        self._stopping = False
        self._failures = 0
        self._memory_kills: int | None = None
        self._ended_it = False
        self._task: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def ready(self) -> bool:
        """Whether the child can take requests."""
        return self._ready

    @property
    def failing(self) -> bool:
        """Whether child after child has ended before it was ready or finished anything."""
        return not self._ready and self._failures > _FAILING

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the child; returns without waiting for it to be ready."""
        self._requests.dispatch.attach(self)
        self._task = asyncio.create_task(self._supervise(), name="supervisor")

    async def stop(self) -> None:
        """End the child; what it works on is taken up at the next start."""
        self._stopping = True
        self._say({"do": "stop"})
        if self._task is None:
            return
        if self._process is None:
            self._task.cancel()
        _, late = await asyncio.wait([self._task], timeout=self._stop_s)
        if late:
            self.end_child("it was told to stop")
            await asyncio.wait([self._task])

    def wake(self) -> None:
        """Send the child what it may have."""
        while self._ready and not self._stopping:
            request_id = self._requests.dispatch.admit()
            if request_id is None:
                return
            self._run(request_id)

    def cancel(self, request_id: str) -> bool:
        """Tell the child to stop working on a request; False when there is no child to tell."""
        if not self._ready:
            return False
        self._say({"do": "cancel", "request_id": request_id})
        if request_id not in self._timers:
            self._timers[request_id] = asyncio.get_running_loop().call_later(
                self._cancel_s, self._overdue, request_id
            )
        return True

    def _overdue(self, request_id: str) -> None:
        self._timers.pop(request_id, None)
        if request_id in self._requests.dispatch.admitted():
            self.end_child(f"it goes on with the cancelled request {request_id}")

    async def _supervise(self) -> None:
        while not self._stopping:
            delay = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
            if delay:
                _log.info("the engine child is started again in %g s", delay)
                await asyncio.sleep(delay)
            self._failures += 1
            try:
                await self._one_child()
            except Exception:  # noqa: BLE001 - the next child may fare better
                _log.exception("the engine child could not be supervised")

    async def _one_child(self) -> None:
        self._memory_kills, self._ended_it = memory_kills(), False
        ours, theirs = socket.socketpair()
        with ours, theirs:
            fd = theirs.fileno()
            self._process = await subprocess.create_subprocess_exec(
                *self._command(fd), pass_fds=[fd], stdin=subprocess.DEVNULL
            )
            # The child must be left the only one that holds its end.
            theirs.close()
            try:
                reader, self._writer = await asyncio.open_unix_connection(
                    sock=ours, limit=pipe.MAX_MESSAGE_BYTES
                )
                await self._listen(reader)
            finally:
                await self._bury(self._process)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        first = asyncio.get_running_loop().call_later(
            self._ready_s, self.end_child, "it did not become ready"
        )
        try:
            # A child that is killed while it writes leaves half a line, or a reset connection.
            with suppress(ConnectionError):
                while (line := await reader.readline()).endswith(b"\n"):
                    first.cancel()
                    await self._hear(pipe.decode(line))
        finally:
            first.cancel()

    async def _bury(self, process: subprocess.Process) -> None:
        """Leave nothing of a child behind, and note what it was working on."""
        self._ready = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
        # The connection is closed, so a child that still lives is about to end.
        try:
            status = await asyncio.wait_for(process.wait(), self._stop_s)
        except TimeoutError:
            self.end_child("it does not end")
            status = await process.wait()
        self._process = None
        if not self._stopping:
            self._requests.dispatch.observer.engine_lost()
        if status:
            _log.warning("the engine child ended with status %d", status)
        try:
            crashed = not self._stopping and crashed_itself(status, self._memory_kills)
            killed = status == -signal.SIGKILL and not (crashed or self._ended_it)
            await self._requests.dispatch.child_lost(crashed=crashed, killed=killed)
        except RetakeError as error:
            _log.error("the lost child's requests could not be noted: %s", error)

    async def _hear(self, message: dict[str, Any]) -> None:
        try:
            match message:
                case {"say": "ready"}:
                    await self._begin()
                case {"say": "begun", "request_id": str() as request_id}:
                    if not await self._requests.dispatch.begun(request_id):
                        self._say({"do": "cancel", "request_id": request_id})
                case {"say": "progress", "request_id": str() as request_id, "stage": stage}:
                    await self._requests.dispatch.progressed(
                        request_id, stage, message["done"], message["total"]
                    )
                case {"say": "finished", "request_id": str() as request_id, "result": result}:
                    await self._finished(request_id, result)
                case _:
                    _log.error("the engine child said what nobody understands: %.200r", message)
        except RetakeError as error:
            _log.error("%s: %s", message.get("say"), error)

    async def _begin(self) -> None:
        self._say({"do": "begin", "keep": await self._requests.dispatch.kept()})
        self._ready = True
        for request_id in self._requests.dispatch.admitted():
            self._run(request_id)
        self.wake()

    async def _finished(self, request_id: str, result: dict[str, Any]) -> None:
        ours = await self._requests.dispatch.ended(request_id, result)
        self._failures = 0
        if timer := self._timers.pop(request_id, None):
            timer.cancel()
        self._say({"do": "ack" if ours else "drop", "request_id": request_id})

    def _run(self, request_id: str) -> None:
        self._say({"do": "run", "request": self._requests.dispatch.for_engine(request_id)})

    def _say(self, message: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(pipe.encode(message))

    def end_child(self, reason: str) -> None:
        """End the child at once, which is safe at any moment; another one is started."""
        if self._process is not None and self._process.returncode is None:
            _log.error("the engine child is ended: %s", reason)
            self._ended_it = True
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
