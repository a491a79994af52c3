"""One request from its URL to its published files; the command line and the server both walk here.

fetch → probe → plan → generate → render → verify → publish
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter

from retake.core.containers import ending_of
from retake.core.errors import StorageFailed
from retake.core.report import Report
from retake.core.request import Limits, RetakeRequest
from retake.core.section import Section
from retake.core.source import Source
from retake.core.tracks import edited
from retake.core.watch import Stage, Watch
from retake.engines.engine import Engine
from retake.media.sandbox import probe_safely
from retake.steps.generate import Generated, generate
from retake.steps.plan import Planned, plan_form, plan_section
from retake.steps.publish import Shelf, publish
from retake.steps.render import Proven, render_verified
from retake.steps.report import make_report

Step = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]
"""``step(name, work)`` does `work` and returns its JSON-ready result. A recording one keeps the
result and, after a restart, returns it without doing the work again."""

T = TypeVar("T")

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Fetch(Protocol):
    """Brings a request's video to a local path."""

    def __call__(self, uri: str, dest: Path, watch: Watch) -> Path:
        """Return where the video at `uri` lies; `dest` is where a download may go.

        Raises:
            FetchFailed: It cannot be brought here.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One request on its way: what was asked, and a private folder that outlives a restart."""

    request: RetakeRequest
    seed: int
    work: Path


@dataclass(frozen=True, slots=True)
class Parts:
    """What the way needs, built by bootstrap."""

    engine: Engine
    fetch: Fetch
    shelf: Shelf
    limits: Limits


@dataclass(frozen=True, slots=True)
class Finished:
    """What came out: the published names by role, and the report."""

    files: dict[str, str]
    report: Report


def do_at_once(_name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do a step without recording it: the Step of the command line."""
    return work()


def run(job: Job, parts: Parts, step: Step, watch: Watch) -> Finished:
    """Walk one request to its end.

    Raises:
        RetakeError: It cannot be done; the error says why.
    """
    try:
        return _walk(job, parts, step, watch)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageFailed(
            "disk_full", f"a file could not be written: {error.strerror}", retryable=True
        ) from error


def _walk(job: Job, parts: Parts, step: Step, watch: Watch) -> Finished:
    took: dict[str, float] = {}
    job.work.mkdir(parents=True, exist_ok=True)
    parts.engine.check(job.request.prompt, job.request.options)
    path = _recorded(Path, step, took, Stage.FETCH, lambda: _fetch(job, parts, watch))
    # Probing and planning are quick and give the same every time: they are not recorded.
    source = _timed(took, Stage.PROBE, lambda: _probe(path, parts.limits, watch))
    source = edited(source, job.request.audio_track)
    section = _timed(took, Stage.PLAN, lambda: _plan(job, source, parts.limits, watch))
    form = plan_form(job.request.conversion, source, path.suffix.lower())
    planned = Planned(path, source, section, job.request, job.seed, job.work, form)
    made = _recorded(
        Generated, step, took, Stage.GENERATE, lambda: generate(parts.engine, planned, watch)
    )
    out = job.work / f"result{ending_of(form.container)}"
    proven = _recorded(
        Proven, step, took, Stage.RENDER, lambda: render_verified(planned, out, made.files, watch)
    )
    took[Stage.RENDER] -= proven.verify_s
    took[Stage.VERIFY] = proven.verify_s
    report = make_report(planned, made, proven, parts.engine.describe(), took, watch)
    files = _recorded(
        dict[str, str],
        step,
        took,
        Stage.PUBLISH,
        lambda: publish(parts.shelf, planned, proven.rendered.path, report, watch),
    )
    return Finished(files, report)


def _fetch(job: Job, parts: Parts, watch: Watch) -> Path:
    watch.progress(Stage.FETCH, 0, 0)
    return parts.fetch(job.request.video_uri, job.work / "source", watch)


def _probe(path: Path, limits: Limits, watch: Watch) -> Source:
    watch.progress(Stage.PROBE, 0, 1)
    source = probe_safely(path, limits)
    watch.progress(Stage.PROBE, 1, 1)
    return source


def _plan(job: Job, source: Source, limits: Limits, watch: Watch) -> Section:
    section = plan_section(job.request, source.video, limits)
    watch.progress(Stage.PLAN, 1, 1)
    return section


def _timed(took: dict[str, float], stage: Stage, work: Callable[[], T]) -> T:
    began = time.monotonic()
    result = work()
    took[stage] = time.monotonic() - began
    return result


def _recorded(
    kind: type[T], step: Step, took: dict[str, float], stage: Stage, work: Callable[[], T]
) -> T:
    """Do `work` as a recorded step; its result travels as JSON together with the time it took."""
    adapter = TypeAdapter(kind)

    def timed() -> dict[str, Any]:
        began = time.monotonic()
        result = adapter.dump_python(work(), mode="json")
        return {"result": result, "took_s": time.monotonic() - began}

    record = step(stage, timed)
    took[stage] = record["took_s"]
    return adapter.validate_python(record["result"])
