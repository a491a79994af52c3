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

from retake.core.errors import BadSource
from retake.core.watch import Stage, Watch
from retake.queue.data_dir import DataDir
from retake.queue.durable import Step
from retake.worker import run_child


def run_request(request: dict[str, Any], step: Step, watch: Watch) -> dict[str, Any]:
    payload = request["payload"]
    work = data_dir.work / request["request_id"]
    work.mkdir(exist_ok=True)
    match payload.get("fault"):
        case "dies":
            os.abort()
        case "refuses":
            raise BadSource("too_long", "the video is 30 s long", param="video_uri")
        case "errs":
            raise ZeroDivisionError
        case "hangs":
            watch.progress(Stage.FETCH, 0, 1)
            time.sleep(1000)
        case _:
            pass
    made = [
        step(stage, lambda stage=stage: _make(work, watch, stage, payload))["made"]
        for stage in (Stage.FETCH, Stage.GENERATE)
    ]
    return step("publish", lambda: _publish(request["request_id"], made))


def _make(work: Path, watch: Watch, stage: Stage, payload: dict[str, Any]) -> dict[str, Any]:
    ticks = max(int(payload.get("work_s", 0) / 0.01), 1)
    for tick in range(ticks):
        watch.progress(stage, tick, ticks)
        time.sleep(0.01)
    # A step's file outlives the process, like the step's record.
    (work / stage).write_text(f"{stage} {os.getpid()}")
    return {"made": stage.value}


def _publish(request_id: str, parts: list[str]) -> dict[str, Any]:
    work = data_dir.work / request_id
    makers = [(work / part).read_text() for part in parts]
    name = f"outputs/{request_id}/result"
    path = data_dir.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text("\n".join(makers))
    temporary.replace(path)
    return {"files": {"video": name}, "report": {"makers": makers}, "notes": []}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="child %(process)d %(asctime)s %(message)s")
    data_dir = DataDir(Path(sys.argv[2]))
    run_child(int(sys.argv[1]), data_dir, run_request)
