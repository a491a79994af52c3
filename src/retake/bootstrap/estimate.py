"""A process that asks an engine what it thinks of a request: one JSON object in, one out.

``python -m retake.bootstrap.estimate``, started by `retake.bootstrap.preview`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from retake.bootstrap.parts import make_engine
from retake.core.errors import RetakeError
from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Shot, Sound

if TYPE_CHECKING:
    from retake.engines.engine import Frame


@dataclass(frozen=True, slots=True)
class _Unread:
    """Frames of which an estimate needs the size alone."""

    width: int
    height: int
    count: int

    def __len__(self) -> int:
        return self.count

    def read(self, frames: FrameRange | None = None) -> Iterator[Frame]:
        """Raise RuntimeError: there is nothing to be read here."""
        raise RuntimeError(f"an estimate read the frames {frames}")


def main() -> None:
    """Answer the question on the standard input."""
    question = json.loads(sys.stdin.buffer.read())
    try:
        answer = _answer(question)
    except RetakeError as error:
        answer = {"error": error.to_dict()}
    sys.stdout.write(json.dumps(answer))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    engine = make_engine(question["engine"])
    warnings = engine.check(question["prompt"], question["options"])
    estimate = engine.estimate(_shot(question))
    return {
        "warnings": list(warnings),
        "estimate": {
            "seconds": round(estimate.seconds, 1),
            "memory_bytes": int(estimate.memory_bytes),
        },
    }


def _shot(question: dict[str, Any]) -> Shot:
    count, rate = question["frames"], question["sample_rate"]
    duration, frame_rate = Fraction(question["duration"]), Fraction(question["frame_rate"])
    return Shot(
        frames=_Unread(question["width"], question["height"], count),
        section=FrameRange(0, count),
        times=[Fraction(n) / frame_rate for n in range(count)],
        duration=duration,
        frame_rate=frame_rate,
        colour=Colour(False, 2, 2, 2),  # noqa: FBT003 - as in the standard's tables
        sound=Sound(np.zeros((question["channels"], 0), np.float32), rate),
        sound_start=0,
        sound_samples=round(duration * rate),
        mode=Mode(question["mode"]),
        prompt=question["prompt"],
        seed=0,
        watch=Watch(),
        options=question["options"],
    )


if __name__ == "__main__":
    main()
