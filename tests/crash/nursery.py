"""Processes that are there at once, to be killed: forked from one that has loaded everything.

Importing DBOS takes most of a second of processor time; a thousand kills would mostly be that. The
nursery is a process that has imported it, has no threads and opens no file. Asked over its socket
to run a module, it forks: what is killed is a process of its own, with connections, locks and
threads of its own, like one that was started by its command line.

    with Nursery() as nursery:
        job = nursery.start("tests.crash.server_process", [...], stdout=file)
        os.kill(job.pid, SIGKILL); job.wait()

A server's engine child is started by the real supervisor, from a command line: `nursery.command`
gives the small program that stands for it (`forked.py`). Whoever kills that kills the child.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

_HERE = Path(__file__).parent
_LOADED = (
    "dbos",
    "tests.crash.child_process",
    "tests.crash.server_process",
    "tests.crash.fleet_processes",
)
_NUMBER = struct.Struct("!i")


class Job:
    """A process that the nursery has forked. When the connection ends, so does the process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid: int = _NUMBER.unpack(connection.recv(_NUMBER.size, socket.MSG_WAITALL))[0]

    def wait(self, timeout_s: float | None = None) -> int:
        """Return its exit status, negative for a signal."""
        with self._connection as connection:
            connection.settimeout(timeout_s)
            try:
                return _NUMBER.unpack(connection.recv(_NUMBER.size, socket.MSG_WAITALL))[0]
            except TimeoutError:
                raise AssertionError(f"process {self.pid} did not end") from None

    def kill(self) -> None:
        """Kill it as nothing kills it but a power cut, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait(30)

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Nursery:
    """The process that forks, from the test's side."""

    def __init__(self, loaded: tuple[str, ...] = _LOADED) -> None:
        self._address = str(Path(mkdtemp(prefix="nursery")) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery", self._address, *loaded],
            cwd=_HERE.parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_error: object) -> None:
        # It ends, and all that it has forked, when nobody holds the other end of this.
        self._process.communicate(timeout=30)
        Path(self._address).unlink()
        Path(self._address).parent.rmdir()

    def start(self, module: str, argv: list[str], fds: list[int]) -> Job:
        """Run a module's `main(argv)`; `fds` become its standard output and whatever follows."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._address)
        socket.send_fds(connection, [json.dumps([module, *argv]).encode()], fds)
        return Job(connection)

    @property
    def command(self) -> list[str]:
        """The command line that runs a module with a socket: add the socket's number, and argv."""
        return [sys.executable, "-I", "-S", "-E", str(_HERE / "forked.py"), self._address]


class _Forker:
    """The nursery's own side: one thread, since it forks."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._jobs: dict[int, tuple[int, socket.socket]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._fork)
        self._selector.register(0, selectors.EVENT_READ, self._end)
        self._ended = False

    def run(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select():
                key.data(key.fd)
        for pid, _ in self._jobs.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _end(self, _fd: int) -> None:
        self._ended = True

    def _fork(self, _fd: int) -> None:
        connection, _ = self._listener.accept()
        asked, fds, _, _ = socket.recv_fds(connection, 65536, 8)
        if not asked:
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            self._become(json.loads(asked), fds, connection)
        for fd in fds:
            os.close(fd)
        with suppress(OSError):
            connection.send(_NUMBER.pack(pid))
        watched = os.pidfd_open(pid)
        self._jobs[watched] = (pid, connection)
        self._selector.register(watched, selectors.EVENT_READ, self._reap)
        self._selector.register(connection, selectors.EVENT_READ, lambda _fd: self._left(watched))

    def _left(self, watched: int) -> None:
        # Whoever asked for it was killed: so is it.
        pid, connection = self._jobs[watched]
        self._selector.unregister(connection)
        os.kill(pid, signal.SIGKILL)

    def _reap(self, watched: int) -> None:
        pid, connection = self._jobs.pop(watched)
        self._selector.unregister(watched)
        os.close(watched)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(KeyError):
            self._selector.unregister(connection)
        with suppress(OSError):
            connection.send(_NUMBER.pack(status))
        connection.close()

    def _become(self, asked: list[str], fds: list[int], connection: socket.socket) -> None:
        """Be the process that was asked for; does not return."""
        status = 1
        try:
            self._selector.close()
            self._listener.close()
            connection.close()
            for watched, (_, other) in self._jobs.items():
                os.close(watched)
                other.close()
            os.dup2(fds[0], 1)
            os.close(fds[0])
            sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - lives as long as the process
            module = importlib.import_module(asked[0])
            module.main([*asked[1:], *map(str, fds[1:])])
            status = 0
        except BaseException:  # noqa: BLE001 - told, and the process ends here in any case
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


if __name__ == "__main__":
    forker = _Forker(sys.argv[1])
    for name in sys.argv[2:]:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a process with threads must not fork"
    os.write(1, b"ready\n")
    forker.run()
