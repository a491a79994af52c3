"""Probing a stranger's file in a process of its own, where a crash or a bomb harms nobody.

The child gets no secrets in its environment, may not write any file, and dies when it takes more
memory, processor time or files than a probe needs. Request and answer are JSON: the child might be
in a stranger's hands, so nothing that it says is unpickled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from retake.core.errors import BadSource, RetakeError
from retake.core.request import Limits
from retake.core.source import AudioStream, Colour, Source, VideoStream
from retake.media.opening import check_file, damaged

MEMORY_BYTES = 3 * 1024**3
"""Address space that the child may take on top of what its libraries took when they were loaded."""

_OPEN_FILES = 64
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
_TYPES = {cls.__name__: cls for cls in (Source, VideoStream, AudioStream, Colour, Limits)}


def probe_safely(path: Path, limits: Limits, *, timeout_s: float = 60) -> Source:
    """Return what `probe` finds in the file, whatever the file may do to the one who looks.

    Args:
        path: The file.
        limits: What this instance accepts.
        timeout_s: Wall-clock seconds until the child is given up.

    Raises:
        BadSource: As `probe`; `damaged` too when the child dies or takes too long.
    """
    check_file(path)
    request = json.dumps({"path": str(path.absolute()), "limits": pack(limits)})
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "retake.media.sandbox", str(int(timeout_s))],
            input=request.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
            env=child_environment(),
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise damaged(f"looking at it took more than {timeout_s:g} s") from error
    except ValueError as error:
        raise damaged("it cannot be decoded within the memory and time allowed") from error
    if "error" in answer:
        raise RetakeError.from_dict(answer["error"])
    return unpack(answer["source"])


def child_environment() -> dict[str, str]:
    """Return what of this process's environment a child may know: no secrets."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def pack(value: Any) -> Any:
    """Return a value of `core.source`, or limits, as JSON-ready data that `unpack` understands."""
    if is_dataclass(value) and not isinstance(value, type):
        content = {each.name: pack(getattr(value, each.name)) for each in fields(value)}
        return {"type": type(value).__name__, **content}
    if isinstance(value, Fraction):
        return {"type": "Fraction", "value": str(value)}
    if isinstance(value, tuple):
        return [pack(each) for each in value]
    return value


def unpack(value: Any, types: Mapping[str, type] = _TYPES) -> Any:
    """Return the value that `pack` was given.

    Args:
        value: What `pack` returned.
        types: The dataclasses that may be in it, by name.

    Raises:
        KeyError: It holds another type.
    """
    if isinstance(value, list):
        return tuple(unpack(each, types) for each in value)
    if not isinstance(value, dict):
        return value
    content = {name: unpack(each, types) for name, each in value.items() if name != "type"}
    if value["type"] == "Fraction":
        return Fraction(content["value"])
    return types[value["type"]](**content)


def confine(cpu_s: int, memory_bytes: int = MEMORY_BYTES) -> None:
    """Give up, for good, what somebody who only looks at files does not need.

    Args:
        cpu_s: Seconds that all threads together may compute.
        memory_bytes: Address space on top of what is taken now.
    """
    try:
        import resource
    except ImportError:  # not a Unix
        return
    taken = 0
    statm = Path("/proc/self/statm")
    if statm.exists():
        taken = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, taken + memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            # Some systems know the name of a limit and do not enforce it.
            continue


def _answer(probe: Callable[[Path, Limits], Source], request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"source": pack(probe(Path(request["path"]), unpack(request["limits"])))}
    except RetakeError as error:
        return {"error": error.to_dict()}
    except MemoryError:
        return {
            "error": BadSource(
                "damaged",
                "the video is damaged: its pictures do not fit into the memory allowed",
                param="video_uri",
            ).to_dict()
        }


def main() -> None:
    """Be the child: one request on standard input, one answer on standard output."""
    from retake.media.probe import probe

    request = json.load(sys.stdin)
    # All decoder threads count together, hence four times the wall-clock time.
    confine(4 * int(sys.argv[1]) + 1)
    json.dump(_answer(probe, request), sys.stdout)


if __name__ == "__main__":
    main()
