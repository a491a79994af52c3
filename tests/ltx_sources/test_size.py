"""Any size comes onto the model's canvas, padded and never squeezed, and back exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.engines.ltx.size import CELL, choose_size, from_model, to_model


def waves(width: int, height: int, dtype: type[np.unsignedinteger] = np.uint8) -> np.ndarray:
    """Return a smooth picture with another shape in every channel."""
    y, x = np.mgrid[:height, :width] / max(width, height)
    picture = 0.5 + 0.4 * np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(5 * (x + y))], axis=-1)
    return (picture * np.iinfo(dtype).max).astype(dtype)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return 10 * np.log10(np.iinfo(one.dtype).max ** 2 / max(error, 1e-9))


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 9000), st.integers(0, 300))
def test_the_picture_fits_keeps_its_shape_and_is_not_enlarged(
    width: int, height: int, most: int, least: int
) -> None:
    size = choose_size(width, height, max_tokens=most, least_side=least)
    across, down = size.scaled
    assert size.width % CELL == size.height % CELL == 0
    assert size.left % 2 == size.top % 2 == 0
    assert 0 <= size.left <= size.width - across < CELL + 1
    assert 0 <= size.top <= size.height - down < CELL + 1
    factor = max(across / width, down / height)
    assert factor <= max(1, least / min(width, height)) + 1 / min(width, height)
    if min(across, down) > 1:
        # The same factor both ways, but for whole pixels.
        assert abs(across - width * down / height) <= 0.5 + 0.5 * width / height
    assert size.tokens <= most or min(size.width, size.height) == CELL


@pytest.mark.parametrize(
    ("source", "most", "canvas"),
    [((1920, 1080), 9999, (1920, 1088)), ((1080, 1920), 9999, (1088, 1920)),
     ((1920, 1080), 1000, (1312, 768)), ((3840, 2160), 2040, (1920, 1088)),
     ((33, 17), 99, (64, 32)), ((8, 8), 1, (32, 32))],
)  # fmt: skip
def test_well_known_sizes(source: tuple[int, int], most: int, canvas: tuple[int, int]) -> None:
    size = choose_size(*source, max_tokens=most)
    assert (size.width, size.height) == canvas


def test_more_would_not_have_fitted() -> None:
    for most in range(100, 2000, 37):
        size = choose_size(1920, 1080, max_tokens=most)
        larger = Fraction(size.scaled[0] + 2 * CELL, 1920)
        cells = -(-1920 * larger // CELL) * -(-1080 * larger // CELL)
        assert size.tokens <= most < cells


def test_pixels_that_are_not_square_are_shown_square() -> None:
    size = choose_size(720, 576, max_tokens=9999, pixel_aspect=Fraction(64, 45))
    assert size.scaled == (1024, 576)
    size = choose_size(720, 480, max_tokens=9999, pixel_aspect=Fraction(8, 9))
    assert size.scaled == (720, 540)


def test_half_of_a_canvas_shows_the_same_picture_at_the_same_place() -> None:
    size = choose_size(1900, 1060, max_tokens=9999, cell=64)
    half = size.half()
    assert half is not None
    assert (2 * half.width, 2 * half.height) == (size.width, size.height)
    assert (2 * half.left, 2 * half.top) == (size.left, size.top)
    assert choose_size(96, 96, max_tokens=99).half() is None


@settings(max_examples=30)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([np.uint8, np.uint16]))
def test_what_needs_no_scaling_comes_back_as_it_was(
    width: int, height: int, dtype: type[np.unsignedinteger]
) -> None:
    chance = np.random.default_rng(width)
    frames = chance.integers(0, np.iinfo(dtype).max + 1, (2, height, width, 3), dtype=dtype)
    size = choose_size(width, height, max_tokens=999)
    seen = to_model(iter(frames), size)
    assert seen.shape == (3, 2, size.height, size.width)
    assert float(seen.abs().max()) <= 1
    back = list(from_model(seen, size, np.dtype(dtype)))
    assert all(np.array_equal(a, b) for a, b in zip(frames, back, strict=True))
    assert back[0].dtype == dtype


def test_around_the_picture_stands_its_mirror_image() -> None:
    frame = waves(40, 20)
    size = choose_size(40, 20, max_tokens=99)
    seen = to_model([frame], size)[:, 0]
    shown = seen[:, size.top : size.top + 20, size.left : size.left + 40]
    assert torch.equal(seen[:, size.top - 3, :], seen[:, size.top + 3, :])
    assert torch.equal(seen[:, :, size.left + 40], seen[:, :, size.left + 38])
    expected = torch.from_numpy(frame.astype(np.float32) / 255 * 2 - 1).permute(2, 0, 1)
    assert torch.allclose(shown, expected, atol=1e-6)


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (321, 99)])
def test_a_scaled_picture_comes_back_like_itself(size: tuple[int, int]) -> None:
    frame = waves(*size, np.uint16)
    working = choose_size(*size, max_tokens=18)
    assert working.scaled != size
    (back,) = from_model(to_model([frame], working), working, np.dtype(np.uint16))
    assert back.shape == frame.shape
    assert psnr(frame, back) > 48


def test_values_beyond_the_range_are_cut_off() -> None:
    size = choose_size(32, 32, max_tokens=1)
    video = torch.full((3, 1, 32, 32), 1.7)
    (back,) = from_model(video, size, np.dtype(np.uint8))
    assert back.min() == 255
    (back,) = from_model(-video, size, np.dtype(np.uint16))
    assert back.max() == 0


def test_nothing_fits_into_no_tokens() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        choose_size(100, 100, max_tokens=0)
