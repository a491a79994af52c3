"""The takes of one request: each made, rendered and published by itself, from one source.

All takes are generated first, then all are rendered: how far the whole is only ever grows. A take
that cannot be made does not keep the others from being delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from retake.core.containers import ending_of
from retake.core.errors import BadSource, Cancelled, RetakeError
from retake.core.report import Report
from retake.core.scoring import Picked, pick_best
from retake.core.watch import Stage, Watch
from retake.engines.engine import Engine
from retake.steps.generate import Generated, generate
from retake.steps.handover import WorkFiles
from retake.steps.plan import Planned
from retake.steps.publish import Shelf, publish, publish_takes_sheet
from retake.steps.recording import Step, Took, recorded
from retake.steps.render import Proven, render_verified
from retake.steps.report import make_report

T = TypeVar("T")


@dataclass(slots=True)
class Take:
    """One take on its way.

    Attributes:
        number: From 1 on.
        of: How many takes there are.
        seed: What it draws from.
        planned: Its sections, ascending.
        took: Seconds by stage, those that all takes share among them.
        made: What was generated for each section.
        proven: Its rendered file.
        report: What came out.
        files: The published names by role.
        error: Why it cannot be had.
    """

    number: int
    of: int
    seed: int
    planned: tuple[Planned, ...]
    took: Took
    made: list[Generated] = field(default_factory=list[Generated])
    proven: Proven | None = None
    report: Report | None = None
    files: dict[str, str] = field(default_factory=dict[str, str])
    error: RetakeError | None = None


@dataclass(frozen=True, slots=True)
class Crew:
    """What takes are made with."""

    engine: Engine
    shelf: Shelf
    step: Step
    watch: Watch
    files: WorkFiles


def make_takes(takes: Sequence[Take], crew: Crew) -> dict[str, str]:
    """Carry out takes, and note in each what came of it.

    Returns:
        The published names, by role, of what shows several takes together.

    Raises:
        RetakeError: There is no take that could be made; the first one's error.
        Cancelled: The watch was cancelled.
    """
    _each(takes, _generate, crew)
    _each(takes, _render, crew)
    shared = _side_by_side(takes, crew)
    _each(takes, _publish, crew)
    return shared


def pick_take(takes: Sequence[Take]) -> Picked:
    """Return the take whose seams score best; one at least must have been made."""
    return pick_best(
        {
            take.number: None if take.error or take.report is None else take.report.every_seam
            for take in takes
        }
    )


def _each(takes: Sequence[Take], do: Callable[[Take, int, int, Crew], None], crew: Crew) -> None:
    left = [take for take in takes if take.error is None]
    for at, take in enumerate(left):
        try:
            do(take, at, len(left), crew)
        except Cancelled:
            raise
        except RetakeError as error:
            take.error = error
            if take.of > 1:
                crew.files.drop(_made(take))
    errors = [take.error for take in takes if take.error is not None]
    if len(errors) == len(takes):
        raise errors[0]


def _side_by_side(takes: Sequence[Take], crew: Crew) -> dict[str, str]:
    """Publish the sheet of several takes; none where fewer than two were made."""
    results = [
        (f"TAKE {take.number}", take.proven.rendered.path)
        for take in takes
        if take.error is None and take.proven is not None
    ]
    if len(results) < 2:
        return {}

    def work() -> dict[str, str]:
        with suppress(BadSource):
            planned = takes[0].planned
            return publish_takes_sheet(crew.shelf, planned, results, crew.watch)
        return {}

    return recorded(dict[str, str], crew.step, {}, Stage.PUBLISH, work, "publish takes")


def _generate(take: Take, at: int, of: int, crew: Crew) -> None:
    sections = len(take.planned)
    for number, planned in enumerate(take.planned):
        watch = _part(crew.watch, at * sections + number, of * sections)
        planned.work.mkdir(parents=True, exist_ok=True)

        def work(planned: Planned = planned, watch: Watch = watch) -> Generated:
            return generate(crew.engine, planned, watch)

        name = _name(Stage.GENERATE, take, number)
        made = recorded(Generated, crew.step, take.took, Stage.GENERATE, work, name)
        take.made.append(made)


def _render(take: Take, at: int, of: int, crew: Crew) -> None:
    first = take.planned[0]
    out = first.work / f"result{ending_of(first.form.container)}"
    watch = _rendering(crew.watch, at, of)

    def work() -> Proven:
        crew.files.bring(_made(take))
        return render_verified(take.planned, out, [made.files for made in take.made], watch)

    name = _name(Stage.RENDER, take)
    take.proven = recorded(Proven, crew.step, take.took, Stage.RENDER, work, name)
    crew.files.bring([take.proven.rendered.path])
    take.took[Stage.RENDER] -= take.proven.verify_s
    take.took[Stage.VERIFY] = take.proven.verify_s
    if take.of > 1:
        # Takes are large, and what was rendered has been recorded.
        crew.files.drop(_made(take))
    take.report = make_report(
        take.planned, take.made, take.proven, crew.engine.describe(), take.took, watch
    )


def _publish(take: Take, at: int, of: int, crew: Crew) -> None:
    proven, report = take.proven, take.report
    if proven is None or report is None:
        return
    shelf = crew.shelf.take(take.number) if take.of > 1 else crew.shelf
    watch = _part(crew.watch, at, of)

    def work() -> dict[str, str]:
        return publish(shelf, take.planned, proven.rendered.path, report, watch)

    name = _name(Stage.PUBLISH, take)
    take.files = recorded(dict[str, str], crew.step, take.took, Stage.PUBLISH, work, name)


def _name(stage: Stage, take: Take, section: int = 0) -> str:
    """Return the name of a step: its stage, and whose it is behind the first take and section."""
    if take.number == 1 and section == 0:
        return stage
    return f"{stage} take {take.number}" + (f" section {section + 1}" if section else "")


def _part(watch: Watch, at: int, of: int) -> Watch:
    return watch if of == 1 else watch.part(at, of)


def _rendering(watch: Watch, at: int, of: int) -> Watch:
    """Return a watch for one of several renders: only the last one's verification is told."""
    if of == 1:
        return watch
    part, last = watch.part(at, of), at + 1 == of

    def tell(stage: Stage, done: int, total: int) -> None:
        if stage is Stage.RENDER:
            part.progress(stage, done, total)
        elif last:
            watch.progress(stage, done, total)

    return watch.told_by(tell)


def _made(take: Take) -> list[Path | None]:
    """Return the take's own files; what is rendered from them is another."""
    return [path for made in take.made for path in (made.files.video, made.files.sound)]
