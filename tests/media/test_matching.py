"""What an engine did to colours is measured on the handles it made, and undone in the section."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.report import ColourMatch, SideMatch
from retake.media.matching import block_means, match_side, matched

ONE = (1.0, 1.0, 1.0)
NONE = (0.0, 0.0, 0.0)


def film(frames: int, width: int = 160, height: int = 90, dtype: type = np.uint8) -> np.ndarray:
    """Return pictures of hills under a sky that drift, with some grain; the whole range is used."""
    chance = np.random.default_rng(2)
    grain = chance.normal(0, 0.02, (height, width + frames, 3))
    y, x = np.mgrid[:height, : width + frames]
    wide = np.stack(
        [0.5 + 0.35 * np.sin(x / 17) * np.cos(y / 13), 0.2 + 0.6 * y / height,
         0.5 + 0.3 * np.cos(x / 29 + y / 11)], axis=-1,
    ) + grain  # fmt: skip
    most = np.iinfo(dtype).max
    shots = [wide[:, n : n + width] for n in range(frames)]
    return np.round(np.clip(shots, 0.02, 0.98) * most).astype(dtype)


def tinted(frames: np.ndarray, gain: tuple[float, ...], offset: tuple[float, ...]) -> np.ndarray:
    """Return frames as a careless engine would give them: every channel bent, offsets of 255."""
    most = np.iinfo(frames.dtype).max
    out = frames / most * np.array(gain) + np.array(offset) / 255
    return np.round(np.clip(out, 0, 1) * most).astype(frames.dtype)


def side(own: np.ndarray, made: np.ndarray) -> SideMatch | None:
    return match_side([block_means(f) for f in own], [block_means(f) for f in made])


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    most = float(np.iinfo(one.dtype).max)
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return 10 * np.log10(most**2 / max(error, 1e-12))


TINT = ((1.08, 0.95, 0.93), (-4.0, 12.0, 9.0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tint_is_measured_and_undone(dtype: type) -> None:
    own = film(30, dtype=dtype)
    made = tinted(own, *TINT)
    before, after = side(own[:6], made[:6]), side(own[24:], made[24:])
    assert before is not None
    assert np.allclose(before.gain, 1 / np.array(TINT[0]), atol=0.01)
    assert before.off_by > 4
    assert before.left < 0.3
    back = np.stack(list(matched(iter(made[6:24]), 18, ColourMatch(before, after))))
    assert back.dtype == dtype
    assert psnr(own[6:24], made[6:24]) < 36
    assert psnr(own[6:24], back) > 48


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_perfect_take_is_not_touched(dtype: type) -> None:
    own = film(12, dtype=dtype)
    match = ColourMatch(side(own[:4], own[:4]), side(own[8:], own[8:]))
    assert match.before == SideMatch(ONE, NONE, 4, 1.0, 0.0, 0.0)
    given_, got = list(own[4:8]), list(matched(iter(own[4:8]), 4, match))
    assert all(a is b or np.shares_memory(a, b) for a, b in zip(given_, got, strict=True))
    assert np.array_equal(np.stack(got), own[4:8])


def test_grain_of_another_seed_is_no_reason_to_touch_anything() -> None:
    own = film(8, 320, 180)
    chance = np.random.default_rng(9)
    made = np.clip(own + chance.normal(0, 3, own.shape), 0, 255).round().astype(np.uint8)
    told = side(own, made)
    assert told is not None
    assert (told.gain, told.offset) == (ONE, NONE)


def test_something_crossing_the_picture_does_not_bend_the_colours() -> None:
    own = film(8)
    crossed = own.copy()
    for at, frame in enumerate(crossed):
        frame[20:80, 10 + 6 * at : 60 + 6 * at] = (250, 240, 20)
    told = side(own, crossed)
    assert told is not None
    assert (told.gain, told.offset) == (ONE, NONE)
    assert told.blocks_used < 0.85
    bent = side(own, tinted(crossed, *TINT))
    straight = side(own, tinted(own, *TINT))
    assert bent is not None
    assert straight is not None
    assert np.allclose(bent.gain, straight.gain, atol=0.01)
    assert np.allclose(bent.offset, straight.offset, atol=1)


def test_another_picture_altogether_is_not_matched() -> None:
    own = film(4)
    for other in (255 - own, 255 - own[:, ::-1], np.zeros_like(own), own // 2, own // 2 + 127):
        assert side(own, other) is None
    assert side(np.clip(own, 70, 180), np.clip(own, 70, 180) + np.uint8(60)) is None
    chance = np.random.default_rng(1).integers(0, 256, own.shape, dtype=np.uint8)
    assert side(own, chance) is None


def test_a_flat_picture_gets_an_offset_and_no_gain() -> None:
    grey = np.full((4, 90, 160, 3), 120, np.uint8)
    told = side(grey, grey + np.uint8(6))
    assert told is not None
    assert told.left < 0.1
    assert np.allclose(told.gain, 1, atol=1e-3)


def test_grain_on_a_flat_picture_is_no_gain() -> None:
    chance = np.random.default_rng(6)
    noise = chance.normal(0, 2, (2, 4, 36, 64, 3))
    own = np.clip(120 + noise[0], 0, 255).astype(np.uint8)
    made = np.clip(126 + noise[1], 0, 255).astype(np.uint8)
    told = side(own, made)
    assert told is not None
    assert np.allclose(told.gain, 1, atol=0.12)
    assert np.mean(np.array(told.gain) * 126 + told.offset) == pytest.approx(120, abs=0.3)


def test_the_correction_moves_smoothly_from_one_end_to_the_other() -> None:
    grey = np.full((48, 8, 8, 3), 100 * 257, np.uint16)
    start = SideMatch(ONE, (4.0, 4.0, 4.0), 4, 1, 4, 0)
    end = SideMatch(ONE, (-4.0, -4.0, -4.0), 4, 1, 4, 0)
    levels = [f[0, 0, 0] / 257 for f in matched(iter(grey), 48, ColourMatch(start, end))]
    assert levels[0] == pytest.approx(104, abs=0.05)
    assert levels[-1] == pytest.approx(96, abs=0.05)
    steps = np.diff(levels)
    assert (steps < 0).all()
    assert steps.min() > -0.3
    alone = [f[0, 0, 0] / 257 for f in matched(iter(grey), 48, ColourMatch(None, end))]
    assert alone == pytest.approx([96] * 48, abs=0.01)


def test_without_handles_there_is_nothing_to_tell() -> None:
    assert side(film(1)[:0], film(1)[:0]) is None
    frames = list(film(3))
    assert list(matched(iter(frames), 3, ColourMatch())) == frames


@settings(max_examples=15)
@given(
    st.tuples(*[st.floats(0.9, 1.1)] * 3),
    st.tuples(*[st.floats(-10, 10)] * 3),
    st.integers(9, 70),
    st.integers(9, 70),
)
def test_matching_never_makes_the_handles_worse(
    gain: tuple[float, ...], offset: tuple[float, ...], width: int, height: int
) -> None:
    own = film(3, width, height, np.uint16)
    told = side(own, tinted(own, gain, offset))
    if told is not None:
        assert told.left <= told.off_by + 0.01
        assert told.left < 1.5
