"""The compositor: untouched pixels stay, smoke hides, people stand in front."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.engines.vfx.render.compose import FIELDS, Plate, compose
from retake.engines.vfx.render.curve import LINEAR_STEPS, to_display, to_linear

H, W = 18, 32
DITHER = np.linspace(-0.5, 0.5, 4096, dtype=np.float32).reshape(64, 64)


def picture(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (H, W, 3)).astype(np.uint16)


def nothing() -> Plate:
    return Plate(
        buffer=np.zeros((4, 4, 4), np.float32),
        to_buffer=np.array([0.1, 0.5, 0.1, 0.5], np.float32),
        field=np.zeros((4, 4, FIELDS), np.float32),
        front=np.zeros((1, 1), np.float32),
        sparks=np.zeros((1, 1), np.uint8),
        shake=None,
        exposure=1.0,
    )


def smoke() -> Plate:
    buffer = np.zeros((8, 8, 4), np.float32)
    buffer[..., 3] = 1
    return replace(nothing(), buffer=buffer)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_where_nothing_is_every_pixel_keeps_its_exact_value(seed: int):
    source = picture(seed)
    assert np.array_equal(compose(source, nothing(), DITHER), source)


def test_the_argument_is_left_alone():
    source = picture()
    before = source.copy()
    compose(source, smoke(), DITHER)
    assert np.array_equal(source, before)


def test_thick_smoke_hides_what_is_behind_it():
    out = compose(picture(), smoke(), DITHER)
    assert out.max() <= 257


def test_whoever_stands_in_front_is_not_hidden():
    source = picture()
    front = np.zeros((H, W), np.float32)
    front[:, : W // 2] = 1
    out = compose(source, replace(smoke(), front=front), DITHER)
    assert np.array_equal(out[:, : W // 2 - 1], source[:, : W // 2 - 1])
    assert out[:, W // 2 + 1 :].max() <= 257


def test_light_only_adds_and_never_overflows():
    source = picture()
    field = np.zeros((4, 4, FIELDS), np.float32)
    field[..., :6] = 8.0
    out = compose(source, replace(nothing(), field=field), DITHER)
    assert (out.astype(int) >= source.astype(int) - 257).all()
    assert out.mean() > 60000


def test_exposure_darkens():
    out = compose(picture(), replace(nothing(), exposure=0.5), DITHER)
    assert out.mean() < picture().mean() * 0.85


def test_a_shake_by_whole_pixels_moves_the_picture():
    source = np.full((H, W, 3), 2000, np.uint16)
    source[:, 10] = 60000
    shake = np.array([[1, 0, 3], [0, 1, 0]], np.float32)
    out = compose(source, replace(nothing(), shake=shake), DITHER * 0)
    assert set(np.flatnonzero(out[5, :, 0] > 50000)) == {7}


def test_tables_take_8_bit_values_there_and_back():
    values = np.arange(256, dtype=np.uint16) * 257
    linear = to_linear()[values]
    back = to_display()[np.round(linear * LINEAR_STEPS).astype(int)]
    assert np.array_equal((back.astype(int) + 128) // 257, np.arange(256))
    assert np.abs(back.astype(int) - values).max() <= 7
