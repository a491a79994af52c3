"""The engine child of the crash tests: real queue, real storage, trivially quick work.

python child_process.py FD DATA_DIR

A request's payload may say `work_s`, `fault` and `die_at`: one of `POINTS`, where this process
kills itself, once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retake.core.errors import BadSource
from retake.core.watch import Stage, Watch
from retake.queue.data_dir import DataDir
from retake.queue.durable import Step
from retake.storage import LocalStorage
from retake.worker import run_child

STEPS = (Stage.FETCH, Stage.GENERATE, Stage.PUBLISH)
POINTS = tuple(
    f"{when} {stage.value}" for stage in STEPS for when in ("before", "in", "made", "recorded")
)
"""Before a step, in its middle, when its file is there but not its record, when both are."""
SECRET = b"a secret of the crash tests only, no other"


def run_request(
    data_dir: DataDir, request: dict[str, Any], step: Step, watch: Watch
) -> dict[str, Any]:
    payload = request["payload"]
    work = data_dir.work / request["request_id"]
    work.mkdir(exist_ok=True)
    fail(payload.get("fault"), watch)

    def here(point: str) -> None:
        if payload.get("die_at") == point and once(data_dir, request["request_id"]):
            os.kill(os.getpid(), signal.SIGKILL)

    result: dict[str, Any] = {}
    for stage in STEPS:
        here(f"before {stage}")
        make = _publish if stage is Stage.PUBLISH else _make

        def do(stage: Stage = stage, make: Callable[..., Any] = make) -> dict[str, Any]:
            with (data_dir.path / "runs").open("a") as runs:
                runs.write(f"{request['request_id']} {stage}\n")
            work_on(watch, stage, payload, lambda: here(f"in {stage}"))
            made = make(data_dir, work, stage)
            here(f"made {stage}")
            return made

        result = step(stage.value, do)
        here(f"recorded {stage}")
    return result


def once(data_dir: DataDir, what: str) -> bool:
    """Return whether this is asked for the first time, by any process."""
    (data_dir.path / "once").mkdir(exist_ok=True)
    try:
        (data_dir.path / "once" / what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def fail(fault: str | None, watch: Watch) -> None:
    """Do what a request's payload says is to go wrong with it."""
    match fault:
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
            return


def _nothing() -> None:
    return


def work_on(
    watch: Watch,
    stage: Stage,
    payload: dict[str, Any],
    half_way: Callable[[], None] = _nothing,
) -> None:
    """Take as long as the payload says."""
    ticks = max(int(payload.get("work_s", 0) / 0.01), 1)
    for tick in range(ticks):
        watch.progress(stage, tick, ticks)
        if tick == ticks // 2:
            half_way()
        time.sleep(0.01)


def _make(_data_dir: DataDir, work: Path, stage: Stage) -> dict[str, Any]:
    # A step's file outlives the process, like the step's record.
    (work / stage).write_text(f"{stage} {os.getpid()}")
    return {"made": stage.value}


def _publish(data_dir: DataDir, work: Path, stage: Stage) -> dict[str, Any]:
    makers = [(work / part).read_text() for part in STEPS if part is not stage]
    result = work / "result.txt"
    if not result.exists():
        # Whole or not at all; and never written into again: storage may have linked it.
        half = work / "half.txt"
        half.write_text("\n".join(makers))
        half.replace(result)
    name = f"outputs/{work.name}/video.txt"
    LocalStorage(data_dir.files, SECRET).put(name, result)
    return {"files": {"video": name}, "report": {"makers": makers}, "notes": []}


def main(argv: list[str]) -> None:
    """Be the child of the server on a data folder: ``[data_dir, fd]``."""
    data_dir = DataDir(Path(argv[0]))
    run_child(int(argv[1]), data_dir, lambda *given: run_request(data_dir, *given))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="child %(process)d %(asctime)s %(message)s")
    main([sys.argv[2], sys.argv[1]])
