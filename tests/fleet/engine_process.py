"""The engine child of the fleet's tests: real queue, trivially quick work.

python engine_process.py FD DATA_DIR DATABASE SLOT
"""

from __future__ import annotations

import logging
import os
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
    payload = request["payload"]
    if payload.get("fault") == "dies":
        os.abort()
    fetched = step("fetch", lambda: _make(watch, Stage.FETCH, 0.0))
    made = step("generate", lambda: _make(watch, Stage.GENERATE, payload.get("work_s", 0.0)))
    makers = [fetched["by"], made["by"]]
    return {"files": {}, "report": {"makers": makers}, "notes": []}


def _make(watch: Watch, stage: Stage, work_s: float) -> dict[str, Any]:
    ticks = int(work_s / 0.01) + 1
    for tick in range(ticks):
        watch.progress(stage, tick, ticks)
        if work_s:
            time.sleep(0.01)
    return {"by": sys.argv[4]}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="child %(process)d %(message)s")
    records = StepsDatabase(sys.argv[3], sys.argv[4])
    run_child(int(sys.argv[1]), DataDir(Path(sys.argv[2])), run_request, records=records)
