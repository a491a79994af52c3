"""What is found in a shot: the camera's path, people, open ground, where a shot ends."""

import cv2
import numpy as np
import pytest

from retake.engines.vfx.scene.cuts import cuts, fades, light_left, shot_end
from retake.engines.vfx.scene.matte import PersonMatte
from retake.engines.vfx.scene.place import open_ground
from retake.engines.vfx.scene.track import CameraTrack
from tests.vfx.shots import scene


def world(seed: int = 2) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (60, 90, 3)).astype(np.uint8)
    return cv2.resize(noise, (720, 480), interpolation=cv2.INTER_CUBIC)


def seen(shift: float, zoom: float = 1.0) -> np.ndarray:
    matrix = np.array([[zoom, 0, -100 - shift], [0, zoom, -80]], np.float64)
    return cv2.warpAffine(world(), matrix, (480, 270))


def test_a_pan_is_followed_to_a_fraction_of_a_pixel():
    track = CameraTrack()
    for k in range(12):
        track.add(seen(2.3 * k))
    path = track.path(2.0)
    assert path.shape == (12, 2, 3)
    assert path[-1, 0, 2] == pytest.approx(-2.3 * 11 * 2, abs=1.0)
    assert path[-1, 1, 2] == pytest.approx(0, abs=1.0)


def test_a_resting_camera_rests_exactly():
    track = CameraTrack()
    for k in range(5):
        noise = np.random.default_rng(k).integers(-3, 4, (270, 480, 3))
        track.add(np.clip(seen(0).astype(int) + noise, 0, 255).astype(np.uint8))
    assert np.array_equal(track.path(1.0), np.repeat(np.eye(3)[None, :2], 5, axis=0))


def test_a_zoom_is_followed():
    track = CameraTrack()
    for k in range(8):
        track.add(seen(0, 1 + 0.01 * k))
    assert track.path(1.0)[-1, 0, 0] == pytest.approx(1.07, abs=0.004)


@pytest.mark.parametrize("level", [0, 128])
def test_where_nothing_can_be_followed_the_camera_stands_still(level: int):
    track = CameraTrack()
    for _ in range(4):
        track.add(np.full((90, 160, 3), level, np.uint8))
    assert np.array_equal(track.path(1.0)[-1], np.eye(3)[:2])


def test_nobody_is_found_in_a_meadow():
    people = PersonMatte(640, 360)
    for _ in range(3):
        people.add(seen(0))
    assert people.result() is None


def test_no_frames_give_no_matte():
    assert PersonMatte(640, 360).result() is None


@pytest.mark.parametrize(("size", "expected"), [((640, 360), (256, 144)), ((360, 640), (256, 256))])
def test_portrait_and_landscape_have_their_own_network(size, expected):
    people = PersonMatte(*size)
    assert people.input_size == expected
    people.add(np.zeros((size[1] // 2, size[0] // 2, 3), np.uint8))


@pytest.mark.parametrize(("side", "free"), [("left", "right"), ("right", "left")])
def test_open_ground_is_beside_people(side: str, free: str):
    matte = np.zeros((24, 18, 32), np.float32)
    half = slice(0, 18) if side == "left" else slice(14, 32)
    matte[:, 4:, half] = 1
    x, y = open_ground(scene(matte=matte))
    assert (x > 0.55) if free == "right" else (x < 0.45)
    assert 0.1 < x < 0.9
    assert 0.4 < y < 0.9


def two_shots(cut: int) -> np.ndarray:
    first = cv2.resize(world(2), (32, 18))
    second = 255 - cv2.resize(world(9), (32, 18))
    return np.stack([first if k < cut else second for k in range(24)])


def test_a_shot_ends_at_the_cut():
    there = scene(pictures=two_shots(15))
    assert shot_end(there, 2) == 15
    assert shot_end(there, 15) == 24


def test_a_slow_change_is_no_cut():
    pictures = np.stack([np.full((18, 32, 3), 60 + 6 * k, np.uint8) for k in range(24)])
    assert shot_end(scene(pictures=pictures), 0) == 24


def test_the_way_back_from_a_flash_is_a_cut_as_well():
    pictures = two_shots(24)
    pictures[10] = 255
    assert np.flatnonzero(cuts(scene(pictures=pictures))).tolist() == [0, 10, 11]


def test_only_what_shines_by_itself_is_seen_in_a_black_shot():
    black = scene(pictures=np.zeros((24, 18, 32, 3), np.uint8))
    assert fades(black, 0) == pytest.approx(1)
    assert light_left(black) == pytest.approx(0)


def test_what_is_put_in_fades_with_the_shot():
    bright = cv2.resize(world(2), (32, 18)).astype(float)
    pictures = np.stack([bright * min(1, max(0.02, (20 - k) / 10)) for k in range(24)])
    left = fades(scene(pictures=pictures.astype(np.uint8)), 0)
    assert left[:9] == pytest.approx(1)
    assert left[19] < 0.05
