from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Shot
from retake.engines.ltx.estimating import estimate
from retake.engines.ltx.info import Options
from retake.engines.ltx.memory.sizes import GIB


@dataclass(frozen=True)
class Unread:
    width: int
    height: int
    count: int

    def __len__(self) -> int:
        return self.count

    def read(self, frames: FrameRange | None = None):
        raise AssertionError("an estimate reads no frames")


def shot(width: int = 1920, height: int = 1080, section_s: int = 5, rate: int = 24) -> Shot:
    count, handle = (section_s + 2) * rate, rate
    return Shot(
        frames=Unread(width, height, count),
        section=FrameRange(handle, count - handle),
        times=[Fraction(n - handle, rate) for n in range(count)],
        duration=Fraction(section_s),
        frame_rate=Fraction(rate),
        colour=Colour(False, 2, 2, 2),
        sound=None,
        sound_start=0,
        sound_samples=section_s * 48000,
        mode=Mode.AUDIO_AND_VIDEO,
        prompt="",
        seed=0,
        watch=Watch(),
    )


def test_guided_steps_take_longer_than_the_distilled_preset():
    fast, quality = (estimate(shot(), Options(preset=one)) for one in ("fast", "quality"))
    assert quality.seconds > 8 * fast.seconds


def test_a_known_card_is_faster_than_an_unknown_one_and_memory_stays_within_the_card():
    known = estimate(shot(), Options(), card=("NVIDIA H100 80GB HBM3", 80 * GIB))
    small = estimate(shot(), Options(), card=("NVIDIA GeForce RTX 4090", 24 * GIB))
    assert known.seconds < small.seconds
    assert small.memory_bytes < 24 * GIB < known.memory_bytes < 80 * GIB


@given(
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    section=st.integers(2, 21),
    rate=st.sampled_from((12, 24, 25, 30, 50, 60)),
    gigabytes=st.integers(2, 192),
)
def test_every_shot_and_card_has_an_estimate(
    width: int, height: int, section: int, rate: int, gigabytes: int
):
    told = estimate(shot(width, height, section, rate), Options(), card=("", gigabytes * GIB))
    assert 0 < told.seconds < 1e6
    assert told.memory_bytes > 0


def test_the_estimate_and_the_prompt_check_load_no_torch():
    code = (
        "import sys, retake.engines.ltx.estimating, retake.engines.ltx.prompting.check, "
        "retake.engines.ltx.memory.ladder; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
