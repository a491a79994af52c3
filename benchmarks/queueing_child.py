"""An engine child whose engine takes no time; `benchmarks/queueing.py` starts it.

python benchmarks/queueing_child.py FD DATA_DIR DATABASE
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from retake.core.watch import Stage, Watch
from retake.queue.data_dir import DataDir
from retake.queue.durable import Step
from retake.queue.step_records import StepsDatabase
from retake.worker import run_child


def run_request(request: dict[str, Any], step: Step, watch: Watch) -> dict[str, Any]:
    """Record two steps; a payload may say how long the second takes."""

    def make() -> dict[str, Any]:
        until = time.monotonic() + request["payload"].get("work_s", 0.0)
        while time.monotonic() < until:
            watch.progress(Stage.GENERATE, 0, 1)
            time.sleep(0.01)
        return {}

    step("fetch", dict)
    step("generate", make)
    return {"files": {}, "report": {}, "notes": []}


if __name__ == "__main__":
    fd, folder, database = sys.argv[1:]
    records = None if database == "sqlite" else StepsDatabase(database, "benchmark")
    run_child(int(fd), DataDir(Path(folder)), run_request, records=records)
