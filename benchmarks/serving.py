"""The real server, run on a data folder, and what its processes cost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from retake.queue.data_dir import DataDir
from retake.queue.keys import Keys

PREFIX = "/api/v1/ie/requestqueue/apikey"
_TICKS = os.sysconf("SC_CLK_TCK")
_STARTED_S = 60.0


@dataclass
class Serving:
    """A server that runs.

    `listens_s` is how long after its start it listened; `ready_s` until its engine was ready, too.
    `key` is one of its API keys.
    """

    url: str
    key: str
    pid: int
    listens_s: float
    ready_s: float

    def processor_s(self) -> tuple[float, float]:
        """Return the processor time that the server and its engine child have had, in seconds."""
        return _processor_s(self.pid), sum(_processor_s(child) for child in _children(self.pid))


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Serving]:
    """Run the real server on a data folder until the block ends.

    Args:
        folder: The data folder.
        settings: More settings, by the names of their environment variables.
    """
    keys = Keys(DataDir(folder).keys)
    key = keys.create("benchmark")
    keys.close()
    command = [sys.executable, "-m", "retake.cli.main", "serve", "--port", "0"]
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        began = time.monotonic()
        server = subprocess.Popen(
            [*command, "--data-dir", str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | settings,
        )
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address is not None, "the server did not start"
            listens_s = time.monotonic() - began
            url = address[0]
            _until_ready(url)
            ready_s = time.monotonic() - began
            yield Serving(url, key, server.pid, listens_s, ready_s)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _until_ready(url: str) -> None:
    until = time.monotonic() + _STARTED_S
    with httpx.Client(base_url=url, trust_env=False, verify=False) as client:
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < until, "the engine did not become ready"
            time.sleep(0.02)


def _processor_s(pid: int) -> float:
    # proc(5): utime and stime are fields 14 and 15, in clock ticks; field 2 may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def stalling() -> Iterator[str]:
    """Give the URL of a video that never comes: who asks for it is busy for as long as one likes.

    So the engine child has something to do that costs nothing, and requests wait behind it.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/never.mp4"
        for connection in held:
            connection.close()
