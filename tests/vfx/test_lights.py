"""Lights of the night and of the storm: windows, stars, bolts."""

from __future__ import annotations

import numpy as np
import pytest

from retake.engines.vfx.events import Strike
from retake.engines.vfx.scene.gather import gather
from retake.engines.vfx.weather.heavens import Heavens
from retake.engines.vfx.weather.lightning import Flicker, branch, sky_column, trace
from retake.engines.vfx.weather.windows import find_windows
from tests.vfx.scenery import make_shot, picture


def test_windows_that_stand_in_rows_are_found() -> None:
    wall = np.full((180, 320), 0.6, np.float32)
    for y in range(30, 130, 24):
        for x in range(60, 260, 26):
            wall[y : y + 12, x : x + 9] = 0.25
    assert len(find_windows(wall, np.zeros_like(wall))) == 5 * 8


def test_a_meadow_has_no_windows() -> None:
    grass = picture(320, 180)[100:].mean(2).astype(np.float32) / 255
    assert find_windows(grass, np.zeros_like(grass)) == []


def test_stars_are_seen_in_the_sky_only() -> None:
    scene = gather(make_shot(count=3))
    sky = np.zeros((72, 128), np.float32)
    sky[:36] = 1
    canvas = np.zeros((72, 128), np.float32)
    Heavens(scene, 4).draw(canvas, 0, sky, 1.0)
    assert (canvas[:34] > 0.1).sum() > 10
    assert canvas[39:].max() == 0


def test_the_moon_needs_room() -> None:
    scene = gather(make_shot(count=3))
    for sky, there in ((np.ones((72, 128), np.float32), True), (np.zeros((72, 128)), False)):
        canvas = np.zeros((72, 128), np.float32)
        halo = Heavens(scene, 4).moon(canvas, 0, sky.astype(np.float32), 1.0)
        assert (canvas.max() > 0.5) == there
        assert (halo.max() > 0.5) == there


def test_a_bolt_runs_from_the_top_to_its_end_and_stays_near_its_place() -> None:
    bolt = branch(9, 0, 0.4, -0.05, 0.7)
    trunk = bolt.lines[0]
    assert trunk[0].tolist() == [0.4, -0.05]
    assert trunk[-1][1] == pytest.approx(0.7)
    assert np.abs(trunk[:, 0] - 0.4).max() < 0.4
    drawn = trace(bolt, (160, 90), (0.0, 0.0), 1.5)
    assert drawn.shape == (90, 160)
    assert drawn[:60].max() > 0.8


def test_a_strike_is_dark_before_bright_at_once_and_dark_again() -> None:
    flicker = Flicker(Strike(1.0, 1.0, 300, 0.5), 3, 0)
    assert flicker.light(0.9, 0.99) == 0
    assert flicker.light(1.0, 1.02) > 0.6
    assert flicker.light(2.6, 2.64) < 0.01


def test_a_bolt_stands_where_sky_is() -> None:
    sky = np.zeros((60, 100), np.float32)
    sky[:30, 60:] = 1
    found = sky_column(sky, 0.1)
    assert found is not None
    assert 0.6 < found[0] < 0.75
    assert found[1] == pytest.approx(0.5)
    assert sky_column(np.zeros((60, 100), np.float32), 0.1) is None
