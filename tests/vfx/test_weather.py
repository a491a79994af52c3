"""Weather and light: nothing where nothing is, the same for the same seed, any size and depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retake.core.watch import Watch
from retake.engines.vfx.depths import Rounding, to_picture
from retake.engines.vfx.effects import effect
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.gather import gather
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.snowfall import Snowfall
from tests.vfx.scenery import make_shot, picture

WEATHER = ("rain", "storm", "snow", "fog", "night", "sunset")


def _scene(size: tuple[int, int] = (128, 72)) -> Scene:
    return gather(make_shot(size=size))


def _drawn(name: str, scene: Scene, seed: int = 5, *, at: int = 8) -> np.ndarray:
    cue = Cue(name, 0.9, 0.0, scene.duration_s)
    layer = effect(name).prepare(cue, scene, seed, Watch())
    out = np.zeros(0)
    for frame in range(at + 1):
        source = to_picture(picture(scene.width, scene.height, 0.6 * frame * scene.width / 128))
        out = layer.draw(source, frame)
    return out


@pytest.fixture(scope="module")
def scene() -> Scene:
    return _scene()


@pytest.mark.parametrize("name", WEATHER)
def test_the_first_frame_stays_exactly_as_it_was(name: str, scene: Scene) -> None:
    source = to_picture(picture(128, 72))
    assert np.array_equal(_drawn(name, scene, at=0), source)


@pytest.mark.parametrize("name", WEATHER)
def test_the_last_frame_is_close_to_the_source(name: str) -> None:
    shot = make_shot(count=48, rate=24)
    scene = gather(shot)
    layer = effect(name).prepare(Cue(name, 0.9, 0.0, scene.duration_s), scene, 5, Watch())
    out = np.zeros(0)
    source = np.zeros(0)
    for frame, plain in enumerate(shot.frames.read()):
        source = to_picture(plain)
        out = layer.draw(source.copy(), frame)
    error = (out.astype(np.float64) - source) / 65535
    psnr_db = -10 * np.log10(max(float((error**2).mean()), 1e-12))
    assert psnr_db > 45


@pytest.mark.parametrize("name", WEATHER)
def test_the_middle_frame_is_clearly_changed(name: str, scene: Scene) -> None:
    source = to_picture(picture(128, 72, 0.6 * 8))
    change = np.abs(_drawn(name, scene).astype(np.int32) - source).mean() / 257
    assert change > 8


@pytest.mark.parametrize("name", WEATHER)
def test_the_same_seed_gives_the_same_bytes(name: str, scene: Scene) -> None:
    assert np.array_equal(_drawn(name, scene, 3), _drawn(name, scene, 3))


@pytest.mark.parametrize("name", ("rain", "storm", "snow", "fog"))
def test_another_seed_gives_another_picture(name: str, scene: Scene) -> None:
    assert not np.array_equal(_drawn(name, scene, 3), _drawn(name, scene, 4))


@pytest.mark.parametrize("name", WEATHER)
@pytest.mark.parametrize("size", [(127, 71), (72, 128), (16, 400)])
def test_odd_and_upright_sizes_are_drawn(name: str, size: tuple[int, int]) -> None:
    out = _drawn(name, _scene(size), at=4)
    assert out.shape == (size[1], size[0], 3)
    assert out.dtype == np.uint16


def test_night_is_darker_and_bluer_and_sunset_warmer(scene: Scene) -> None:
    ground = np.s_[60:]
    source = picture(128, 72, 0.6 * 8)[ground].astype(np.float64).mean((0, 1))
    night = _drawn("night", scene)[ground].mean((0, 1)) / 257
    sunset = _drawn("sunset", scene)[ground].mean((0, 1)) / 257
    assert night.mean() < 0.6 * source.mean()
    # Moonlight is bluer than grey, not just less green than grass.
    assert night[2] > 1.08 * night[0]
    assert sunset[0] / sunset[2] > 1.15 * source[0] / source[2]


def test_fog_hides_the_far_more_than_the_near(scene: Scene) -> None:
    source = to_picture(picture(128, 72, 0.6 * 8)).astype(np.float64)
    out = _drawn("fog", scene).astype(np.float64)
    far, near = np.s_[38:44, :60], np.s_[66:, :60]
    change = [np.abs(out[part] - source[part]).mean() for part in (far, near)]
    assert change[0] > 1.3 * change[1]


def test_flakes_move_with_the_camera(scene: Scene) -> None:
    """Shift the camera by 20 pixels: the same flakes are found 20 pixels on."""
    held = replace(scene, camera=np.tile(np.eye(2, 3), (len(scene), 1, 1)))
    shifted = replace(held, camera=held.camera + np.array([[0, 0, 20.0], [0, 0, 0]]))
    depth = np.ones((18, 32), np.float32)
    canvases = [np.zeros((72, 128), np.float32) for _ in range(2)]
    for canvas, view in zip(canvases, (held, shifted), strict=True):
        Snowfall(view, 5, 1.0, 0.4).draw(canvas, 6, depth, 1.0)
    here, there = canvases[0][4:-4, 24:80], canvases[1][4:-4, 44:100]
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.95


def test_an_untouched_picture_survives_the_rounding_of_any_frame() -> None:
    source = np.arange(256, dtype=np.uint8).repeat(48).reshape(64, 64, 3)
    rounding = Rounding(7)
    for frame in range(5):
        assert np.array_equal(rounding(to_picture(source), source, frame), source)


def test_values_between_two_codes_go_either_way_in_proportion() -> None:
    between = np.full((128, 128, 3), 100 * 257 + 64, np.uint16)
    out = Rounding(7)(between, np.zeros(1, np.uint8), 0)
    assert set(np.unique(out)) == {100, 101}
    assert float((out == 101).mean()) == pytest.approx(64 / 257, abs=0.02)
