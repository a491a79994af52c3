"""Whatever an engine makes, the outermost frames of the section meet the source's."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Shot
from retake.steps.generate import joined


class Frames:
    """Frames in memory: frame n is filled with its own value."""

    width, height = 6, 4

    def __init__(self, values, dtype):
        self.values = values
        self.dtype = dtype

    def __len__(self):
        return len(self.values)

    def read(self, frames=None):
        frames = frames or FrameRange(0, len(self))
        for value in self.values[frames.start : frames.end]:
            yield np.full((self.height, self.width, 3), value, self.dtype)


def shot(values, section, dtype):
    return Shot(
        frames=Frames(values, dtype),
        section=section,
        times=[Fraction(n - section.start, 24) for n in range(len(values))],
        duration=Fraction(len(section), 24),
        frame_rate=Fraction(24),
        colour=Colour(False, 1, 1, 1),
        sound=None,
        sound_start=0,
        sound_samples=0,
        mode=Mode.VIDEO,
        prompt="",
        seed=0,
        watch=Watch(),
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@given(
    own=st.integers(0, 255),
    made=st.integers(0, 255),
    count=st.integers(1, 60),
    lead=st.integers(0, 5),
)
def test_the_first_and_last_frame_nearly_equal_the_source(dtype, own, made, count, lead):
    section = FrameRange(lead, lead + count)
    work = shot([own] * (count + 2 * lead), section, dtype)
    frames = [np.full((4, 6, 3), made, dtype) for _ in range(count)]
    got = [int(frame[0, 0, 0]) for frame in joined(iter(frames), work)]
    assert len(got) == count
    if count >= 12:
        near = 0.05 * abs(made - own) + 1
        assert abs(got[0] - own) <= near
        assert abs(got[-1] - own) <= near
        assert got[count // 2] == made
    assert all(min(own, made) <= value <= max(own, made) for value in got)


def test_what_already_equals_the_source_passes_unchanged():
    values = list(range(0, 240, 4))
    work = shot(values, FrameRange(10, 50), np.uint8)
    made = work.frames.read(work.section)
    assert [int(f[0, 0, 0]) for f in joined(made, work)] == values[10:50]
