"""How much of the source a shot brings is the engine's word: a second, unless it says more."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from retake.core.request import Limits, Mode, RetakeRequest
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import EngineInfo
from retake.media.probe import probe
from retake.steps.generate import generate
from retake.steps.plan import Planned
from tests.media.takes import section_of
from tests.takes.quick import INFO, Quick


class Wanting(Quick):
    """An engine that wants other handles."""

    def __init__(self, handle_s: Fraction) -> None:
        super().__init__()
        self.handle_s = handle_s

    def describe(self) -> EngineInfo:
        return replace(INFO, handle_s=self.handle_s)


@pytest.mark.parametrize(
    ("handle_s", "before", "after"),
    [
        (Fraction(1), 24, 24),
        (Fraction(1, 2), 12, 12),
        (Fraction(3, 2), 36, 30),
        (Fraction(9), 40, 30),
    ],
)
def test_a_shot_has_the_handles_that_its_engine_wants_as_far_as_the_source_goes(
    clip: Path, tmp_path: Path, handle_s: Fraction, before: int, after: int
) -> None:
    source = probe(clip, Limits())
    request = RetakeRequest(str(clip), Fraction(5, 3), Fraction(13, 12), "", Mode.AUDIO_AND_VIDEO)
    section = section_of(source, 40, 66)
    engine = Wanting(handle_s)
    generate(engine, Planned(clip, source, section, request, 1, tmp_path), Watch())
    (shot,) = engine.shots
    assert shot.section == FrameRange(before, before + 26)
    assert len(shot.frames) == len(shot.times) == before + 26 + after
    assert shot.times[before] == 0
    assert shot.sound is not None
    assert shot.sound_start == before * 2000
    # The sound may end a little before the last picture does.
    assert abs(shot.sound.samples.shape[1] - 2000 * (before + 26 + after)) < 2100
