"""What the queue costs on both databases, in one run, with an engine that takes no time.

    python benchmarks/queueing.py [sqlite postgresql] [--database postgresql://…] [--seconds 5]

Without --database a PostgreSQL of the tests is started for the run. Its files, and SQLite's, are in
memory, with fsync, which is as good as a quick disk; --folder takes another place. Server, worker
and engine child are this machine's, so its load is told: on a busy one times are upper bounds, and
rates lower ones. (It is not called queue.py: Python's own module of that name would be lost.)
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from queueing_parts import Figures, measured

_ROWS = (
    ("creates a second, 16 callers", "creates_s", "{:.0f}"),
    ("create, p50 / p99, ms", "create_ms", "{:.1f} / {:.1f}"),
    ("submit -> start, p50 / p99, ms", "start_ms", "{:.0f} / {:.0f}"),
    ("requests a second, one slot", "done_s", "{:.1f}"),
    ("a key's first behind another's 1,000", "behind", "{:.0f}"),
    ("child killed -> goes on, s", "child_s", "{:.1f}"),
    ("server gone -> goes on at the next start, s", "server_s", "{:.1f}"),
    ("worker lost -> goes on elsewhere, s after its lease", "worker_s", "{:.1f}"),
    ("claims a second, 8 workers", "claims_s", "{:.0f}"),
    ("connections: server, worker and its child", "connections", "{:.0f}"),
    ("bytes of the database for a request", "row_bytes", "{:.0f}"),
    ("idle: this process, its child, % of a core", "idle", "{:.2f} / {:.2f}"),
)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[[], "sqlite", "postgresql"], default=[])
    parser.add_argument("--database", help="a PostgreSQL database, empty, instead of one made here")
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    parser.add_argument("--folder", default=memory, help="where SQLite's files are; memory if had")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long rates are taken")
    options = parser.parse_args()
    found: dict[str, Figures] = {}
    for kind in options.kinds or ("sqlite", "postgresql"):
        where = options.folder
        with (
            _database(kind, options.database) as url,
            tempfile.TemporaryDirectory(dir=where) as folder,
        ):
            found[kind] = asyncio.run(measured(Path(folder), url, options.seconds))
    show(found)


@contextmanager
def _database(kind: str, given: str | None) -> Iterator[str]:
    if kind == "sqlite" or given:
        yield given if given and kind != "sqlite" else "sqlite"
        return
    from tests import postgres

    postgres._SETTINGS |= {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with postgres.postgres_server() as server:
        yield server.empty()


def show(found: dict[str, Figures]) -> None:
    """Print a column for each database."""
    busy = os.getloadavg()[0] > (os.cpu_count() or 1) / 2
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores{': BUSY' if busy else ''}")
    print(f"{'':52}" + "".join(f"{kind:>18}" for kind in found))
    for title, name, form in _ROWS:
        cells = [_cell(getattr(figures, name), form) for figures in found.values()]
        print(f"{title:52}" + "".join(f"{cell:>18}" for cell in cells))


def _cell(value: object, form: str) -> str:
    if value is None:
        return "-"
    return form.format(*value) if isinstance(value, tuple) else form.format(value)


if __name__ == "__main__":
    main()
