"""Encoders leave the machine to others: no thread of ours takes real-time priority.

It takes root to see this fail: nobody else may have such a priority.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from retake.core.report import Action
from retake.core.watch import Stage, Watch
from tests.clips import make_clip
from tests.media.takes import edit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells in /proc")


def paces() -> set[int]:
    tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    return {os.sched_getscheduler(task) for task in tasks}


@pytest.mark.parametrize(("name", "action"), [("a.mp4", Action.SMART), ("a.mkv", Action.REENCODED)])
def test_encoders_run_at_the_pace_of_whoever_calls_them(
    name: str, action: Action, tmp_path: Path
) -> None:
    src = make_clip(tmp_path / name, codec="libsvtav1", bframes=0, seconds=1)
    before, seen = paces(), set[int]()

    def look(_stage: Stage, _done: int, _total: int) -> None:
        seen.update(paces())

    anew = action is Action.REENCODED
    done = edit(src, tmp_path, 5, 9, watch=Watch(look), force_full=anew)
    assert done.rendered.video.action is action
    assert seen == paces() == before == {os.sched_getscheduler(0)}
