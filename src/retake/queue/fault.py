"""Whose fault it is that a child ended: its own, or somebody's who killed it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from retake.core.errors import EngineFailed, RetakeError

_VMSTAT = Path("/proc/vmstat")


def memory_kills() -> int | None:
    """Return how often the kernel has killed a process for want of memory since it booted.

    None where that cannot be known (not Linux, or older than 4.13).
    """
    try:
        lines = _VMSTAT.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def crashed_itself(status: int, memory_kills_before: int | None) -> bool:
    """Return whether a child that ended with `status` has to answer for it.

    A process cannot send itself into SIGKILL by what it computes; the kernel sends that when memory
    runs out, and people and their tools send it for reasons of their own. The latter says nothing
    against the request that was worked on.

    Args:
        status: Exit status, or minus the number of the signal that ended it.
        memory_kills_before: What `memory_kills` gave when the child was started.
    """
    if status != -signal.SIGKILL:
        return status != 0
    now = memory_kills()
    return memory_kills_before is None or now is None or now > memory_kills_before


def crashed_engine(crashes: int) -> dict[str, Any]:
    """Return the error of a request that has ended the engine so many times."""
    return EngineFailed(
        "crashed_engine",
        f"the engine ended unexpectedly {crashes} times while it worked on this request",
    ).to_dict()


def internal() -> dict[str, Any]:
    """Return the error of a request whose work went wrong in a way that nobody foresaw."""
    return RetakeError("internal", "the server made a mistake; its log says more").to_dict()
