"""Walking requests to their end with the quick engine, in a folder of a test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from retake.core.request import Limits, check_payload
from retake.core.watch import Watch
from retake.steps.run import Finished, Job, Parts, Step, do_at_once, run
from tests.takes.quick import Quick

LIMITS = replace(Limits(), min_section=Fraction(1, 2))


@dataclass(frozen=True)
class Folder:
    """A shelf for tests: files under their roles."""

    path: Path
    suffix: str = ""
    roles: frozenset[str] = frozenset({"video", "report"})

    def wanted(self) -> frozenset[str]:
        return self.roles

    def put(self, role: str, file: Path) -> str:
        name = f"{role}{self.suffix}{file.suffix}"
        (self.path / name).write_bytes(file.read_bytes())
        return name

    def take(self, number: int) -> Folder:
        return replace(self, suffix=f"-{number}")


def walk(
    clip: Path,
    folder: Path,
    engine: Quick | None = None,
    step: Step = do_at_once,
    watch: Watch | None = None,
    **payload: Any,
) -> Finished:
    """Walk a request for `clip`; its results come into `folder`."""
    request, warnings = check_payload({"video_uri": str(clip), **payload}, LIMITS)
    assert not warnings

    def fetch(uri: str, dest: Path, watch: Watch) -> Path:
        return Path(uri)

    parts = Parts(engine or Quick(), fetch, Folder(folder), LIMITS)
    seed = 7 if request.seed is None else request.seed
    return run(Job(request, seed, folder / "work"), parts, step, watch or Watch())


def packets(path: Path, kind: str) -> list[bytes]:
    """Return the packets of a file's pictures or sound, in decoding order."""
    with av.open(path) as container:
        stream = getattr(container.streams, kind)[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def changed(before: Path, after: Path, kind: str) -> list[int]:
    """Return the numbers of the packets that differ; as many are in both."""
    theirs, ours = packets(before, kind), packets(after, kind)
    assert len(theirs) == len(ours)
    return [at for at, (a, b) in enumerate(zip(theirs, ours, strict=True)) if a != b]


def report_of(folder: Path, name: str = "report.json") -> dict[str, Any]:
    """Return a report that was published."""
    told: dict[str, Any] = json.loads((folder / name).read_text())
    return told


Recorded = dict[str, dict[str, Any]]


def keeping(records: Recorded, before: Callable[[str], None] | None = None) -> Step:
    """Return a step that records into `records`; `before` is told of work that is really done."""

    def step(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if name not in records:
            if before is not None:
                before(name)
            # As in a database: nothing but JSON comes back.
            records[name] = json.loads(json.dumps(work()))
        return records[name]

    return step
