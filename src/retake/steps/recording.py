"""Doing the stages of a request so that their results and times are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter

from retake.core.watch import Stage

Step = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]
"""``step(name, work)`` does `work` and returns its JSON-ready result. A recording one keeps the
result and, after a restart, returns it without doing the work again."""

T = TypeVar("T")

Took = dict[str, float]
"""Seconds that each stage took."""


def do_at_once(_name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do a step without recording it: the Step of the command line."""
    return work()


def timed(took: Took, stage: Stage, work: Callable[[], T]) -> T:
    """Do `work` and add the time it took to its stage's."""
    began = time.monotonic()
    result = work()
    took[stage] = took.get(stage, 0.0) + time.monotonic() - began
    return result


def recorded(
    kind: type[T],
    step: Step,
    took: Took,
    stage: Stage,
    work: Callable[[], T],
    name: str | None = None,
) -> T:
    """Do `work` as a recorded step; its result travels as JSON together with the time it took.

    Args:
        kind: Type of the result.
        step: Records.
        took: The time is added here.
        stage: What it is part of.
        work: What is to be done.
        name: The step's name; that of the stage when None.
    """
    adapter = TypeAdapter(kind)

    def with_time() -> dict[str, Any]:
        began = time.monotonic()
        result = adapter.dump_python(work(), mode="json")
        return {"result": result, "took_s": time.monotonic() - began}

    record = step(name or stage, with_time)
    took[stage] = took.get(stage, 0.0) + record["took_s"]
    return adapter.validate_python(record["result"])
