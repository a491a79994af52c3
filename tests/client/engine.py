"""A thread that plays a server's engine: every request succeeds, or does what the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.api.live import Live


class Played:
    """Works requests off one by one.

    `work` does one, given its id; `hold` keeps it from beginning the next.
    """

    def __init__(self, server: Live) -> None:
        self.server = server
        self.work: Callable[[str], None] = server.finish
        self.hold = threading.Event()
        self.done: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.stop.wait(0.01):
            if self.hold.is_set():
                continue
            request_id = self.server.call(self.server.requests.dispatch.admit)
            if request_id is None:
                continue
            if self.server.do(self.server.requests.dispatch.begun(request_id)):
                self.work(request_id)
                self.done.append(request_id)


@contextmanager
def played(server: Live) -> Iterator[Played]:
    engine = Played(server)
    engine.thread.start()
    try:
        yield engine
    finally:
        engine.stop.set()
        engine.thread.join(10)
