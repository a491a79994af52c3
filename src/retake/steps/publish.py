"""Publish: the finished files go where somebody can get them, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retake.core.report import Report
from retake.core.watch import Stage, Watch
from retake.media.look.sheet import contact_sheet, thumbnail
from retake.steps.plan import Planned
from retake.storage import LocalStorage


class Shelf(Protocol):
    """Where the files of one request go."""

    def wanted(self) -> frozenset[str]:
        """Return which of ``video``, ``sheet``, ``thumbnail`` and ``report`` are to be put."""
        ...

    def put(self, role: str, file: Path) -> str:
        """Take over `file` under its role, whole or not at all; return the name it got.

        Putting the same role again replaces the file, so that a restart can repeat the step.

        Raises:
            StorageFailed: The file could not be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class StorageShelf:
    """The shelf of a server's request: its own folder in the storage."""

    storage: LocalStorage
    request_id: str

    def wanted(self) -> frozenset[str]:
        """Return all roles."""
        return frozenset(_STORED)

    def put(self, role: str, file: Path) -> str:
        """Store `file`; the name is the same whenever the step is repeated."""
        ending = file.suffix if role == "video" else _STORED[role]
        name = f"outputs/{self.request_id}/{role}{ending}"
        self.storage.put(name, file)
        return name


_STORED = {"video": ".mp4", "sheet": ".jpg", "thumbnail": ".jpg", "report": ".json"}


def publish(
    shelf: Shelf, planned: Planned, out: Path, report: Report, watch: Watch
) -> dict[str, str]:
    """Put the video and what explains it on the shelf; return each role's name there.

    The video goes last: whoever sees it also finds its report.
    """
    work, section = planned.work, planned.section
    wanted = shelf.wanted()
    files: dict[str, Path] = {}
    watch.progress(Stage.PUBLISH, 0, 0)
    if "sheet" in wanted:
        files["sheet"] = work / "sheet.jpg"
        contact_sheet(planned.path, out, planned.source, section, files["sheet"], watch)
    if "thumbnail" in wanted:
        files["thumbnail"] = work / "thumbnail.jpg"
        thumbnail(out, section, files["thumbnail"], watch)
    if "report" in wanted:
        files["report"] = work / "report.json"
        files["report"].write_text(json.dumps(report.to_dict(), indent=2) + "\n")
    files["video"] = out
    names: dict[str, str] = {}
    for done, (role, file) in enumerate(files.items()):
        watch.progress(Stage.PUBLISH, done, len(files))
        names[role] = shelf.put(role, file)
    watch.progress(Stage.PUBLISH, len(files), len(files))
    return names
