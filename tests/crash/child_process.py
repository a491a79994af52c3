"""The engine child of the crash tests: real queue, trivially quick work.

python child_process.py FD DATA_DIR
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
from retake.worker import run_child


def run_request(request: dict[str, Any], step: Step, watch: Watch) -> dict[str, Any]:
    request_id = request["request_id"]
    work_s = request["payload"]["work_s"]
    if request["payload"].get("deadly"):
        os.abort()
    fetched = step("fetch", lambda: _work(watch, Stage.FETCH, work_s))
    made = step("generate", lambda: _work(watch, Stage.GENERATE, work_s))
    return step("publish", lambda: _publish(request_id, [fetched["made"], made["made"]]))


def _work(watch: Watch, stage: Stage, work_s: float) -> dict[str, Any]:
    ticks = max(int(work_s / 0.01), 1)
    for tick in range(ticks):
        watch.progress(stage, tick, ticks)
        time.sleep(0.01)
    return {"made": stage.value}


def _publish(request_id: str, parts: list[str]) -> dict[str, Any]:
    name = f"outputs/{request_id}/result"
    path = data_dir.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(" ".join(parts))
    temporary.replace(path)
    return {"files": {"video": name}, "report": {"parts": parts}, "notes": []}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="child %(process)d %(asctime)s %(message)s")
    data_dir = DataDir(Path(sys.argv[2]))
    run_child(int(sys.argv[1]), data_dir, run_request)
