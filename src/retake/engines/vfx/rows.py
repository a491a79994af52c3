"""Runs a compiled kernel over independent rows on every core.

Kernels are compiled with ``nogil`` and take ``(start, stop, ...)`` first. Each writes only the rows
[start, stop) of what it makes, so the result does not depend on how many threads there are. Plain
threads instead of numba's own: its kernels compile several times as fast without ``parallel``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

_CHUNKS_PER_CORE = 6


@cache
def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool(_process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="vfx-rows")


def run_rows(kernel: Callable[..., None], rows: int, *args: Any) -> None:
    """Call ``kernel(start, stop, *args)`` until [0, rows) is covered once; return when all is done.

    The rows are dealt in small chunks, since work is rarely spread evenly over a picture.
    """
    size = max(1, -(-rows // (cores() * _CHUNKS_PER_CORE)))
    if cores() == 1 or size >= rows:
        kernel(0, rows, *args)
        return
    # A pool does not survive a fork, so every process has its own.
    pool = _pool(os.getpid())
    chunks = [
        pool.submit(kernel, start, min(start + size, rows), *args) for start in range(0, rows, size)
    ]
    for chunk in chunks:
        chunk.result()
