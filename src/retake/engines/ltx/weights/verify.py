"""Whether weights are byte for byte what was pulled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retake.engines.ltx.weights.digest import sha256_of
from retake.engines.ltx.weights.folder import Fault
from retake.engines.ltx.weights.library import Held


@dataclass(frozen=True)
class Verdict:
    """What reading every byte found.

    Attributes:
        faults: Files that are not as they were pulled, or cannot be read.
        files: How many were compared.
        bytes: How many bytes those have.
        recorded: Whether there were checksums to compare with; without them only lengths and
            headers were looked at.
    """

    faults: tuple[Fault, ...]
    files: int
    bytes: int
    recorded: bool


def recorded_files(held: Held) -> dict[str, tuple[int, str]]:
    """Return length and SHA-256 of each file as they were written down; {} where none were."""
    files = held.record.get("files")
    if not isinstance(files, dict):
        return {}
    return {
        path: (int(one["size"]), str(one["sha256"]))
        for path, one in files.items()
        if isinstance(one, dict) and "size" in one and "sha256" in one
    }


def verify(held: Held, read: Callable[[int], None] | None = None) -> Verdict:
    """Read all of a model's files and compare them with what was recorded at the pull."""
    recorded = recorded_files(held)
    faults = {fault.path: fault for fault in held.contents.faults}
    done = 0
    for path, (size, digest) in recorded.items():
        what = _compare(held.folder / path, size, digest, read)
        done += size
        if what is not None:
            faults[path] = Fault(path, what)
    return Verdict(tuple(faults.values()), len(recorded), done, bool(recorded))


def _compare(path: Path, size: int, digest: str, read: Callable[[int], None] | None) -> str | None:
    try:
        found = path.stat().st_size
        if found != size:
            return f"{'cut off' if found < size else 'too long'}: {found} of {size} bytes"
        if sha256_of(path, read) != digest:
            return "other bytes than were pulled"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None
