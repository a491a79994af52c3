"""Broken files by the thousand, made from the matrix: an error or a good output, nothing else.

    python -m tests.fuzz.fuzz --cases 2000 [--seed 1] [--only mkv] [--keep FOLDER]

Every case is worked on in a child process, so that a crash or a hang harms nobody; both are
counted, and so is everything else that must not happen. `--keep` keeps the files that did it.
"""

from __future__ import annotations

import argparse
import json
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.case import Came, Case
from tests.fuzz.damage import DAMAGES
from tests.matrix.sources import ROWS

BAD = frozenset({"wrong", "crashed", "hung"})
"""Verdicts that must not occur."""


@dataclass(frozen=True)
class Result:
    """A case, how its file was broken, and what came of it."""

    name: str
    damage: str
    seed: int
    came: Came

    def __str__(self) -> str:
        return f"{self.came.verdict}: {self.came.detail} ({self.name}, {self.damage}, {self.seed})"


class Child:
    """A process that works on cases one after the other; a new one follows one that died."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._process: Any = None

    def work(self, case: Case) -> Came:
        """Return what came of a case."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.case"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        process = self._process
        process.stdin.write(json.dumps(asdict(case)) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], self._timeout_s)
        if not ready:
            self.close()
            return Came("hung", f"no answer within {self._timeout_s:g} s")
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self.close()
            return Came("crashed", f"the process ended with {code}")
        return Came(**json.loads(line))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None


def run(
    names: Sequence[str],
    cases: int,
    seed: int,
    folder: Path,
    *,
    timeout_s: float = 60,
    keep: Path | None = None,
) -> Iterator[Result]:
    """Yield what came of each of so many broken files.

    Args:
        names: Rows of the matrix, taken in turn; each is broken in every way in turn.
        cases: How many files.
        seed: Where damage, section and mode are drawn from.
        folder: For the files.
        timeout_s: Seconds after which a case counts as hung.
        keep: Where to keep the files that did what they must not.
    """
    whole = {name: _bytes(name, folder, n) for n, name in enumerate(names)}
    ways = list(DAMAGES)
    child = Child(timeout_s)
    try:
        for number in range(cases):
            # Rows and ways take turns, such that each row meets each way in the end.
            name = names[number % len(names)]
            way = ways[(number + number // len(names)) % len(ways)]
            case_seed = seed * 1_000_003 + number
            path = folder / f"case{number}{ROWS[name].ending}"
            path.write_bytes(DAMAGES[way](whole[name], Random(case_seed)))
            result = Result(name, way, case_seed, child.work(Case(str(path), case_seed)))
            if keep and result.came.verdict in BAD:
                shutil.copy(path, keep / f"{case_seed}{path.suffix}")
            path.unlink()
            shutil.rmtree(path.with_suffix(".work"), ignore_errors=True)
            yield result
    finally:
        child.close()


def _bytes(name: str, folder: Path, number: int) -> bytes:
    row = ROWS[name]
    return row.make(folder / f"whole{number}{row.ending}").read_bytes()


def main() -> None:
    """Run as many cases as were asked for and print what came of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--keep", type=Path, help="folder for files that did what they must not")
    options = parser.parse_args()
    names = [name for name in ROWS if options.only in name]
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    verdicts: Counter[str] = Counter()
    details: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        results = run(names, options.cases, options.seed, Path(folder), keep=options.keep)
        for number, result in enumerate(results, start=1):
            verdicts[result.came.verdict] += 1
            details[f"{result.came.verdict} {result.came.detail[:60]}"] += 1
            if result.came.verdict in BAD:
                _say(str(result))
            if number % 200 == 0:
                _say(f"{number} cases, {time.monotonic() - began:.0f} s: {dict(verdicts)}")
    for detail, count in details.most_common(40):
        _say(f"{count:6} {detail}")
    _say(f"{sum(verdicts.values())} cases in {time.monotonic() - began:.0f} s: {dict(verdicts)}")
    sys.exit(any(verdicts[verdict] for verdict in BAD))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
