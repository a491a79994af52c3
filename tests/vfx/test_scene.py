"""What is seen in a shot: sky, ground, depth, and the way they follow the picture."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from retake.core.errors import Cancelled, EngineFailed
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.vfx.scene.cuts import cuts
from retake.engines.vfx.scene.depth import depth_of
from retake.engines.vfx.scene.gather import gather
from retake.engines.vfx.scene.sky import sky_of
from retake.engines.vfx.scene.spread import FAR, spread
from retake.engines.vfx.scene.views import Views
from tests.vfx.scenery import make_shot, picture


def test_the_sky_is_found_above_the_horizon_and_not_on_the_house() -> None:
    sky = sky_of(picture(160, 90))
    assert sky[:35, :42].mean() > 0.95
    assert sky[50:].max() < 0.1
    assert sky[32:44, 52:80].mean() < 0.1


def test_a_pool_below_is_no_sky_though_it_has_the_skys_colour() -> None:
    view = picture(160, 90)
    view[66:80, 8:40] = (170, 205, 248)
    assert sky_of(view)[60:].max() == 0


def test_a_picture_of_grass_has_no_sky() -> None:
    grass = picture(160, 90)[46:]
    assert sky_of(np.ascontiguousarray(grass)).max() == 0


def test_depth_grows_from_the_lower_edge_to_the_horizon_and_the_sky_is_farthest() -> None:
    view = picture(160, 90)
    depth = depth_of(view, sky_of(view))
    columns = depth[:, 10:40].mean(1)
    assert columns[86] < columns[70] < columns[50]
    assert columns[10] == pytest.approx(1, abs=0.05)


def test_a_person_in_front_is_near() -> None:
    view = picture(160, 90)
    matte = np.zeros((90, 160), np.float32)
    matte[20:80, 60:90] = 1
    plain, with_person = depth_of(view, sky_of(view)), depth_of(view, sky_of(view), matte)
    assert (with_person[20:80, 60:90] < 0.3 * plain[20:80, 60:90] + 1e-6).all()


def test_distances_jump_at_outlines() -> None:
    view = np.zeros((20, 40, 3), np.float32)
    view[:, 20:] = 1
    seeds = np.full((20, 40), FAR, np.float32)
    seeds[:, 0] = 0
    found = spread(view, seeds, 0.01, 1.0)
    assert found[10, 19] == pytest.approx(0.19, abs=1e-5)
    assert found[10, 20] == pytest.approx(3.2, abs=1e-5)


def test_a_scene_has_one_of_everything_for_every_frame() -> None:
    shot = make_shot(count=9, uneven=True, deep=True)
    scene = gather(shot)
    assert len(scene) == 9
    assert scene.camera.shape == (9, 2, 3)
    assert scene.times_s.tolist() == [float(t) for t in shot.times]
    assert scene.duration_s == float(shot.duration)
    assert len(scene.previews) == len(scene.luma) == 9
    assert 0.42 <= scene.ground <= 0.9


def test_eight_and_sixteen_bits_show_the_same_scene() -> None:
    plain, deep = gather(make_shot()), gather(make_shot(deep=True))
    assert np.allclose(plain.luma, deep.luma, atol=0.01)
    assert np.abs(plain.sky - deep.sky).mean() < 0.01


def test_handles_are_left_out() -> None:
    shot = replace(make_shot(count=12), section=FrameRange(3, 9))
    assert len(gather(shot)) == 6


def test_frames_that_do_not_come_are_told() -> None:
    shot = replace(make_shot(count=6), section=FrameRange(2, 9))
    with pytest.raises((EngineFailed, IndexError)) as failure:
        gather(shot)
    assert getattr(failure.value, "code", "frames_missing") == "frames_missing"


def test_looking_stops_when_cancelled() -> None:
    cancel = Event()
    shot = make_shot(watch=Watch(lambda *_: cancel.set(), cancel))
    with pytest.raises(Cancelled):
        gather(shot)


def test_a_cut_is_seen_and_a_pan_is_not() -> None:
    scene = gather(make_shot(count=6))
    previews = np.stack(scene.previews).copy()
    previews[3:] = 255 - previews[3:]
    cut = replace(scene, previews=previews)
    assert cuts(cut).tolist() == [True, False, False, True, False, False]


def test_views_keep_the_sky_steady_through_noise() -> None:
    scene = gather(make_shot(count=10))
    rng = np.random.default_rng(2)
    noisy = np.stack(scene.previews).astype(np.int16)
    noisy += rng.normal(0, 6, noisy.shape).astype(np.int16)
    shaky = replace(scene, previews=np.clip(noisy, 0, 255).astype(np.uint8))
    views = Views(shaky)
    steady = [views.at(k)[1].copy() for k in range(10)]
    fresh = [Views(shaky).at(k)[1] for k in range(10)]
    change = [np.abs(np.diff(np.stack(p), axis=0)).mean() for p in (steady, fresh)]
    assert change[0] < 0.7 * change[1]
