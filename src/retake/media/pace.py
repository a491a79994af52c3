"""Keeping encoders from taking the machine for themselves.

SVT-AV1, run by root, gives its threads and the one that opened it real-time priority
(`SCHED_FIFO`, 99; seen with 4.1), and whatever that thread starts later inherits it: other
programs no longer get their turns, and kernel code that waits by trying again never ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def usual_pace() -> Generator[None]:
    """Give this thread, and every one that starts meanwhile, the scheduling that this one had."""
    if sys.platform != "linux":
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _threads()
    try:
        yield
    finally:
        for thread in {0} | (_threads() - before):
            # A thread that has ended meanwhile needs nothing.
            with suppress(ProcessLookupError):
                os.sched_setscheduler(thread, policy, parameter)


def _threads() -> frozenset[int]:
    return frozenset(int(entry.name) for entry in Path("/proc/self/task").iterdir())
