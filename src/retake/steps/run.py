"""One request from its URL to its published files; the command line and the server both walk here.

fetch → probe → plan → generate → render → verify → publish
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, cast

from retake.core.errors import StorageFailed
from retake.core.report import Report
from retake.core.request import Limits, RetakeRequest
from retake.core.scoring import Picked
from retake.core.section import Section
from retake.core.source import Source
from retake.core.takes import Pick, seed_of
from retake.core.tracks import edited
from retake.core.watch import Stage, Watch
from retake.engines.engine import Engine
from retake.media.sandbox import probe_safely
from retake.steps.handover import OnThisMachine, WorkFiles
from retake.steps.plan import Planned, plan_form, plan_sections
from retake.steps.publish import Shelf
from retake.steps.recording import Step, Took, do_at_once, recorded, timed
from retake.steps.takes import Crew, Take, make_takes, pick_take

__all__ = ["Fetch", "Finished", "Job", "Parts", "Step", "do_at_once", "run"]

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
    files: WorkFiles = field(default_factory=OnThisMachine)


@dataclass(frozen=True, slots=True)
class Finished:
    """What came out: the published names by role and the report, of one take.

    `takes` are all of them, in the order in which they were asked for, failed ones among them.
    `picked` says why it is this one; None where it is the first one that was made.
    """

    files: dict[str, str]
    report: Report
    takes: tuple[Take, ...]
    picked: Picked | None = None


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
    took: Took = {}
    job.work.mkdir(parents=True, exist_ok=True)
    for prompt in dict.fromkeys(part.prompt for part in job.request.parts):
        parts.engine.check(prompt, job.request.options)
    path = recorded(Path, step, took, Stage.FETCH, lambda: _fetch(job, parts, watch))
    parts.files.bring([path])
    # Probing and planning are quick and give the same every time: they are not recorded.
    source = timed(took, Stage.PROBE, lambda: _probe(path, parts.limits, watch))
    source = edited(source, job.request.audio_track)
    sections = timed(took, Stage.PLAN, lambda: _plan(job, source, parts.limits, watch))
    takes = _takes(job, path, source, sections, took)
    shared = make_takes(takes, Crew(parts.engine, parts.shelf, step, watch, parts.files))
    made = {take.number: take for take in takes if take.report is not None and not take.error}
    picked = pick_take(takes) if len(takes) > 1 and job.request.pick is Pick.BEST else None
    given = made[picked.take] if picked else next(iter(made.values()))
    report = cast("Report", given.report)
    return Finished(given.files | shared, report, takes, picked)


def _takes(
    job: Job, path: Path, source: Source, sections: Sequence[Section], took: Took
) -> tuple[Take, ...]:
    form = plan_form(job.request.conversion, source, path.suffix.lower())

    def planned(take: int, seed: int, at: int) -> Planned:
        asked = job.request.parts[at]
        request = replace(
            job.request,
            start_time=asked.start_time,
            duration=asked.duration,
            prompt=asked.prompt,
            mode=asked.mode,
        )
        own = seed_of(seed, take, at, asked.seed)
        work = job.work / f"take{take + 1}" if take else job.work
        work = work / f"section{at + 1}" if at else work
        return Planned(path, source, sections[at], request, own, work, form)

    seeds = job.request.take_seeds(job.seed)
    every = range(len(sections))
    return tuple(
        Take(take + 1, len(seeds), seed, tuple(planned(take, seed, at) for at in every), dict(took))
        for take, seed in enumerate(seeds)
    )


def _fetch(job: Job, parts: Parts, watch: Watch) -> Path:
    watch.progress(Stage.FETCH, 0, 0)
    return parts.fetch(job.request.video_uri, job.work / "source", watch)


def _probe(path: Path, limits: Limits, watch: Watch) -> Source:
    watch.progress(Stage.PROBE, 0, 1)
    source = probe_safely(path, limits)
    watch.progress(Stage.PROBE, 1, 1)
    return source


def _plan(job: Job, source: Source, limits: Limits, watch: Watch) -> tuple[Section, ...]:
    sections = plan_sections(job.request, source.video, limits)
    watch.progress(Stage.PLAN, 1, 1)
    return sections
