"""Comparing strangers' files in a process of its own; see `sandbox` for what it may not do."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from retake.core.errors import BadSource, RetakeError
from retake.core.proof import Fact, FileFacts, Kind, Proof, Still, Strip
from retake.core.watch import Stage, Watch
from retake.media.opening import check_file
from retake.media.sandbox import child_environment, confine, pack, unpack

MEMORY_BYTES = 6 * 1024**3
"""Address space for two decoders of 4K pictures with all their threads; little of it is used."""

CPU_S = 6 * 3600
"""Processor time after which a comparison is given up: hours of film have to fit in."""

_TYPES = {cls.__name__: cls for cls in (Proof, Strip, Fact, FileFacts, Still)}
_POLL_S = 0.1


def compare_safely(
    src: Path, out: Path, watch: Watch, *, everything: bool = False, stills: bool = False
) -> Proof:
    """Return what `compare` finds, whatever the files may do to the one who looks.

    Args:
        src: The source.
        out: A file made from it, by whatever means.
        watch: Progress goes out as the stage `verify`; cancelling ends the process.
        everything: Decode also what is settled by its packets.
        stills: Make small pictures along the time, too.

    Raises:
        BadSource: One of the files cannot be read or decoded; the message says which.
        Cancelled: The watch was cancelled.
    """
    for role, path in (("source", src), ("output", out)):
        try:
            check_file(path)
        except BadSource as error:
            raise BadSource(error.code, f"the {role}: {error.message}", param=role) from error
    request = {
        "src": str(src.absolute()),
        "out": str(out.absolute()),
        "everything": everything,
        "stills": stills,
    }
    answer = _ask(request, watch)
    if "error" in answer:
        raise RetakeError.from_dict(answer["error"])
    return _checked(unpack(answer["proof"], _TYPES))


def _checked(proof: Proof) -> Proof:
    """Return the proof with its kinds as what they are, not as the texts that travelled."""
    strips = (replace(s, kinds=tuple(Kind(kind) for kind in s.kinds)) for s in proof.strips)
    return replace(proof, strips=tuple(strips))


def _ask(request: dict[str, Any], watch: Watch) -> dict[str, Any]:
    child = subprocess.Popen(
        [sys.executable, "-m", "retake.media.proof.guarded"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
    )
    lines: list[dict[str, Any]] = []
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        raise RuntimeError("the child has no pipes")
    reader = threading.Thread(target=_read, args=(stdout, lines), daemon=True)
    try:
        stdin.write(json.dumps(request).encode())
        stdin.close()
        reader.start()
        said = 0
        while reader.is_alive():
            reader.join(_POLL_S)
            watch.check()
            new, said = lines[said:], len(lines)
            # The answer may have come right behind it.
            for stage, done, total in [line["progress"] for line in new if "progress" in line][-1:]:
                watch.progress(Stage(stage), int(done), int(total))
        child.wait()
    finally:
        child.kill()
        child.wait()
        stdout.close()
    if not lines or "progress" in lines[-1]:
        raise BadSource(
            "damaged",
            "one of the files cannot be decoded within the memory and time allowed",
            param="output",
        )
    return lines[-1]


def _read(stdout: IO[bytes], lines: list[dict[str, Any]]) -> None:
    for line in stdout:
        try:
            lines.append(json.loads(line))
        except ValueError:
            return


class _Teller:
    """Writes progress to the parent, ten times a second at most."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        import time

        now = time.monotonic()
        if now - self._last > _POLL_S:
            self._last = now
            _write({"progress": [stage, done, total]})


def _write(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Be the child: one request on standard input, progress and one answer on standard output."""
    from retake.media.proof.compare import compare
    from retake.media.proof.moments import with_stills

    request = json.load(sys.stdin)
    confine(CPU_S, MEMORY_BYTES)
    watch = Watch(_Teller())
    src, out = Path(request["src"]), Path(request["out"])
    try:
        proof = compare(src, out, watch, everything=request["everything"])
        if request["stills"]:
            proof = with_stills(proof, src, out, watch)
        _write({"proof": pack(proof)})
    except RetakeError as error:
        _write({"error": error.to_dict()})
    except MemoryError:
        told = BadSource("damaged", "the pictures do not fit into the memory allowed")
        _write({"error": told.to_dict()})


if __name__ == "__main__":
    main()
