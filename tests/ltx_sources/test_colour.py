"""HDR comes into the model's range by a curve that can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Shot
from retake.engines.ltx.colour import HLG, PLAIN, PQ, light_for, light_of
from retake.engines.ltx.size import choose_size, from_model, to_model

SDR = Colour(full_range=False, primaries=1, transfer=1, matrix=1)
HDR = {PQ: replace(SDR, primaries=9, transfer=PQ, matrix=9),
       HLG: replace(SDR, primaries=9, transfer=HLG, matrix=9)}  # fmt: skip


class Frames:
    """Frames that lie in memory."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.height, self.width = frames.shape[1:3]

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, frames: FrameRange | None = None) -> Iterator[np.ndarray]:
        wanted = frames or FrameRange(0, len(self))
        yield from self.frames[wanted.start : wanted.end]


def shot_of(frames: np.ndarray, colour: Colour) -> Shot:
    """Return a second or so of pictures, all of them in the section."""
    count = len(frames)
    return Shot(
        frames=Frames(frames), section=FrameRange(0, count),
        times=[Fraction(n, 24) for n in range(count)], duration=Fraction(count, 24),
        frame_rate=Fraction(24), colour=colour, sound=None, sound_start=0, sound_samples=0,
        mode=Mode.VIDEO, prompt="", seed=1, watch=Watch(),
    )  # fmt: skip


def ten_bit() -> np.ndarray:
    """Return every 10-bit value as the 16-bit one that stands for it."""
    return np.rint(np.arange(1024) / 1023 * 65535).astype(np.uint16)


@pytest.mark.parametrize("transfer", [1, 2, 6, 13, 14, 15])
def test_the_standard_range_is_left_alone(transfer: int) -> None:
    assert light_for(replace(SDR, transfer=transfer)) is PLAIN


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_every_ten_bit_value_comes_back(transfer: int) -> None:
    light = light_for(HDR[transfer], peak_signal=1.0)
    codes = ten_bit().reshape(1, -1, 1)
    there = light.signal(codes)
    assert there.min() >= 0
    assert there.max() <= 1
    assert (np.diff(there[0, :, 0]) >= 0).all()
    back = light.frame(there, np.dtype(np.uint16))
    ours, theirs = (np.rint(each / 65535 * 1023) for each in (back, codes))
    assert np.array_equal(ours, theirs)


def test_the_usual_peak_keeps_everything_up_to_it() -> None:
    light = light_for(HDR[PQ])
    # 1000 cd/m2 is 0.7518 in PQ (BT.2100).
    below = ten_bit()[:769].reshape(1, -1, 1)
    back = light.frame(light.signal(below), np.dtype(np.uint16))
    assert np.abs(back.astype(int) - below.astype(int)).max() <= 32
    assert light.signal(np.array([[[round(0.7518 * 65535)]]], np.uint16)) == pytest.approx(
        1, abs=0.01
    )


@pytest.mark.parametrize(("transfer", "white"), [(PQ, 0.5807), (HLG, 0.75)])
def test_reference_white_looks_like_white_and_dark_is_dark(transfer: int, white: float) -> None:
    light = light_for(HDR[transfer])
    codes = np.array([[[round(white * 65535)]], [[0]]], np.uint16)
    seen = light.signal(codes)
    assert 0.65 < float(seen[0, 0, 0]) < 0.85
    assert seen[1, 0, 0] == 0


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_the_curve_has_no_kinks(transfer: int) -> None:
    light = light_for(HDR[transfer], peak_signal=0.9)
    seen = light.signal(np.arange(0, 58900, dtype=np.uint16).reshape(1, -1, 1))[0, :, 0]
    slope = np.diff(seen[::64].astype(np.float64))[16:]
    assert (slope > 0).all()
    assert np.abs(np.diff(slope)).max() < 0.1 * slope.max()


def test_a_shot_s_brightest_pixel_is_within_the_curve() -> None:
    bright = np.full((4, 16, 16, 3), 20000, np.uint16)
    bright[-1, 3, 3] = 61000
    shot = shot_of(bright, HDR[PQ])
    light = light_of(shot)
    assert light.note is not None
    assert "HDR (PQ)" in light.note
    back = light.frame(light.signal(bright), np.dtype(np.uint16))
    assert np.abs(back.astype(int) - bright.astype(int)).max() <= 32
    assert light_of(replace(shot, colour=SDR)) is PLAIN


def test_a_deep_picture_goes_there_and_back_whole() -> None:
    light = light_for(HDR[HLG])
    ramp = np.linspace(2000, 52000, 64 * 64 * 3).reshape(1, 64, 64, 3).astype(np.uint16)
    size = choose_size(64, 64, max_tokens=4)
    (back,) = from_model(to_model(ramp, size, light), size, np.dtype(np.uint16), light)
    assert np.abs(back.astype(int) - ramp[0].astype(int)).max() <= 16
