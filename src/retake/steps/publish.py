"""Publish: the finished files go where somebody can get them, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from retake.core.errors import BadSource, RenderFailed
from retake.core.report import Report
from retake.core.watch import Stage, Watch
from retake.media.excerpt import section_clip
from retake.media.look.sheet import contact_sheet, results_sheet, thumbnail
from retake.media.probe import probe_output
from retake.media.sound_alone import sound_alone
from retake.steps.plan import Planned
from retake.storage import Storage

ROLES = frozenset({"video", "sheet", "thumbnail", "section", "audio", "report", "takes"})
"""What can come of a request. Of several sections the later ones are ``section_2`` and so on;
``takes`` is a sheet that shows several takes."""


class Shelf(Protocol):
    """Where the files of one request go."""

    def wanted(self) -> frozenset[str]:
        """Return which of `ROLES` are to be put."""
        ...

    def put(self, role: str, file: Path) -> str:
        """Take over `file` under its role, whole or not at all; return the name it got.

        Putting the same role again replaces the file, so that a restart can repeat the step.

        Raises:
            StorageFailed: The file could not be written.
        """
        ...

    def take(self, number: int) -> Shelf:
        """Return where the files of one of several takes go; `number` counts from 1."""
        ...


@dataclass(frozen=True, slots=True)
class StorageShelf:
    """The shelf of a server's request: its own folder in the storage.

    `suffix` stands behind the names of the files of all takes but the first. Where several machines
    may publish, since one was taken for dead, each has an `attempt` of its own: what a request
    gives out are the files of the one that was recorded, never of two.
    """

    storage: Storage
    request_id: str
    suffix: str = ""
    attempt: str | None = None

    def wanted(self) -> frozenset[str]:
        """Return all roles."""
        return ROLES

    def put(self, role: str, file: Path) -> str:
        """Store `file`; without an attempt the name is the same whenever the step is repeated."""
        folder = f"outputs/{self.request_id}" + (f"/{self.attempt}" if self.attempt else "")
        name = f"{folder}/{role}{self.suffix}{file.suffix}"
        self.storage.put(name, file)
        return name

    def take(self, number: int) -> StorageShelf:
        """Return the shelf of one of several takes."""
        return replace(self, suffix=f"-{number}" if number > 1 else "")


def publish(
    shelf: Shelf, planned: Sequence[Planned], out: Path, report: Report, watch: Watch
) -> dict[str, str]:
    """Put the video and what explains it on the shelf; return each role's name there.

    The video goes last: whoever sees it also finds its report.
    """
    first, sections = planned[0], [each.section for each in planned]
    work = first.work
    wanted = shelf.wanted()
    files: dict[str, Path] = {}
    watch.progress(Stage.PUBLISH, 0, 0)
    if "sheet" in wanted:
        files["sheet"] = work / "sheet.jpg"
        contact_sheet(first.path, out, first.source, sections, files["sheet"], watch)
    if "thumbnail" in wanted:
        files["thumbnail"] = work / "thumbnail.jpg"
        thumbnail(out, first.section, files["thumbnail"], watch)
    if "report" in wanted:
        files["report"] = work / "report.json"
        files["report"].write_text(json.dumps(report.to_dict(), indent=2) + "\n")
    files |= _excerpts(planned, out, wanted, watch)
    files["video"] = out
    names: dict[str, str] = {}
    for done, (role, file) in enumerate(files.items()):
        watch.progress(Stage.PUBLISH, done, len(files))
        names[role] = shelf.put(role, file)
    watch.progress(Stage.PUBLISH, len(files), len(files))
    return names


def publish_takes_sheet(
    shelf: Shelf, planned: Sequence[Planned], results: Sequence[tuple[str, Path]], watch: Watch
) -> dict[str, str]:
    """Put a sheet on the shelf that shows several takes; return its name by role.

    Args:
        shelf: That of the whole request.
        planned: The sections, the same for all takes.
        results: What each take is called, and its file.
        watch: A wish to cancel comes in.
    """
    if "takes" not in shelf.wanted():
        return {}
    first, sections = planned[0], [each.section for each in planned]
    sheet = first.work / "takes.jpg"
    results_sheet(first.path, results, first.source, sections, sheet, watch)
    return {"takes": shelf.put("takes", sheet)}


def _excerpts(
    planned: Sequence[Planned], out: Path, wanted: frozenset[str], watch: Watch
) -> dict[str, Path]:
    """Return the sections and the sound alone, by role; without what cannot be made."""
    first, files = planned[0], dict[str, Path]()
    if not wanted & {"section", "audio"}:
        return files
    made = probe_output(out, first.source)
    for number, each in enumerate(planned if "section" in wanted else (), start=1):
        role = "section" if number == 1 else f"section_{number}"
        with suppress(BadSource, RenderFailed):
            files[role] = section_clip(out, made, each.section, first.work / role, watch)
    if "audio" in wanted and made.audio:
        with suppress(BadSource, RenderFailed):
            files["audio"] = sound_alone(out, made.audio[0], first.work / "audio", watch)
    return files
