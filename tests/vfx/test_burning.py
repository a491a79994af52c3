"""Explosion, fire and smoke as layers: they begin and end inside the section, and repeat."""

from dataclasses import replace
from importlib import import_module
from threading import Event

import numpy as np
import pytest

from retake.core.errors import Cancelled
from retake.core.watch import Watch
from retake.engines.vfx.effects.effect import Effect
from retake.engines.vfx.events import ignition
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.render.light import light_up
from retake.engines.vfx.render.look import Look
from retake.engines.vfx.render.march import march, view_of
from retake.engines.vfx.render.palette import fire_palette
from retake.engines.vfx.render.stand import Stand, cropped
from retake.engines.vfx.sim.emit import put_ball
from retake.engines.vfx.sim.flames import Flames
from retake.engines.vfx.sim.fluid import Fluid
from retake.engines.vfx.sim.noise import even_grain, noise_cube
from tests.vfx.shots import meadow, scene

NAMES = ("explosion", "fire", "smoke")
PICKED = (0, 6, 11, 23)


def effect(name: str) -> Effect:
    return import_module(f"retake.engines.vfx.effects.{name}").EFFECT


def cue(name: str, seconds: float = 2.0, **more) -> Cue:
    return Cue(name, 1.0, 0.0, seconds, **more)


def drawn(name: str, there, picked=PICKED, seed: int = 7, **more) -> dict[int, np.ndarray]:
    layer = effect(name).prepare(cue(name, there.duration_s, **more), there, seed, Watch())
    source = meadow(there.width, there.height)
    return {k: layer.draw(source.copy(), k) for k in picked}


def changed(picture: np.ndarray, source: np.ndarray) -> float:
    return float((np.abs(picture.astype(int) - source) > 1300).any(axis=2).mean())


def psnr(picture: np.ndarray, source: np.ndarray) -> float:
    error = np.square((picture.astype(float) - source) / 65535).mean()
    return float("inf") if error == 0 else -10 * np.log10(error)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_seen_in_the_middle_and_not_at_the_ends(name: str):
    source = meadow()
    out = drawn(name, scene())
    assert np.array_equal(out[0], source)
    assert psnr(out[23], source) > 38
    assert changed(out[11], source) > 0.02


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (drawn("explosion", scene(), seed=s)[11] for s in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_another_shape_not_only_other_grain(name: str):
    states = []
    for seed in (7, 8):
        layer = effect(name).prepare(cue(name), scene(), seed, Watch())
        layer.draw(meadow(), 4)
        states.append(layer._burn.fluid.heat.copy())
    assert np.abs(states[0] - states[1]).max() > 0.1


@pytest.mark.parametrize("size", [(72, 128), (97, 55), (33, 31)])
def test_any_shape_of_picture_will_do(size: tuple[int, int]):
    out = drawn("explosion", scene(*size), picked=(0, 8))
    assert out[8].shape == (size[1], size[0], 3)
    assert changed(out[8], meadow(*size)) > 0.02


def test_an_explosion_flashes_at_ignition():
    at = ignition(cue("explosion"))
    there = scene(fps=24)
    first = int(np.searchsorted(there.times_s, at))
    out = drawn("explosion", there, picked=(first - 1, first + 1))
    assert np.array_equal(out[first - 1], meadow())
    assert out[first + 1].mean() > meadow().mean() * 1.05


def test_uneven_times_give_the_same_moments():
    times = np.sort(np.random.default_rng(4).uniform(0, 2, 30))
    times[0] = 0.0
    out = drawn("fire", scene(times=times), picked=(0, 15, 29))
    assert np.array_equal(out[0], meadow())
    assert changed(out[15], meadow()) > 0.02


def test_green_fire_is_green():
    source = meadow()
    out = drawn("fire", scene(), picked=(11,), colour=(0.1, 1.0, 0.1))[11].astype(int) - source
    hot = out.sum(axis=2) > 30000
    assert hot.any()
    assert out[hot][:, 1].mean() > 1.2 * out[hot][:, 0].mean()


def test_it_stands_where_it_is_told():
    source = meadow().astype(int)
    out = drawn("smoke", scene(), picked=(11,), place=(0.25, 0.8))[11]
    columns = np.abs(out - source).sum(axis=(0, 2))
    assert columns[:64].sum() > 3 * columns[64:].sum()


def test_it_stops_with_its_shot():
    small = (meadow(32, 18) // 257).astype(np.uint8)
    pictures = np.stack([small if k < 16 else 255 - small for k in range(24)])
    out = drawn("smoke", scene(pictures=pictures), picked=(12, 16))
    assert changed(out[12], meadow()) > 0.02
    assert np.array_equal(out[16], meadow())


def test_people_hide_it():
    matte = np.ones((24, 18, 32), np.float32)
    behind = drawn("smoke", scene(matte=matte), picked=(11,))[11]
    assert changed(behind, meadow()) < 0.01


def test_drawing_stops_when_it_is_cancelled():
    cancel = Event()
    layer = effect("smoke").prepare(cue("smoke"), scene(), 1, Watch(cancel=cancel))
    cancel.set()
    with pytest.raises(Cancelled):
        layer.draw(meadow(), 5)


def test_a_cancel_reaches_the_run_up_before_the_first_frame():
    cancel = Event()
    cancel.set()
    flames = Flames(np.random.default_rng(1), 8, (1, 1, 1), 0.0, 1.0, 2.0, 0.0, 0.5)
    with pytest.raises(Cancelled):
        flames.advance(0.0, Watch(cancel=cancel))


def gas() -> Fluid:
    fluid = Fluid(16, 20, 24)
    put_ball(fluid.state, (12, 7, 8), 5, 1.2, 0.9)
    return fluid


def looked_at(fluid: Fluid, view) -> np.ndarray:
    lit = light_up(fluid.state, 0.4)
    assert lit is not None
    return march(
        fluid.state, lit, Look(), view, noise_cube(1), fire_palette(), even_grain(1), fray=2.0
    )


def test_there_is_no_light_in_an_empty_box():
    assert light_up(Fluid(16, 20, 24).state, 0.4) is None


def test_a_cropped_view_shows_the_same_pixels():
    fluid = gas()
    whole = view_of(fluid.state, 3.0)
    full = looked_at(fluid, whole)
    assert full[..., 3].max() > 0.5
    part = cropped(whole, Stand(0.0, 30.0, 72.0), 24.0, (96, 72))
    assert part is not None
    assert part.columns[0] > 0
    assert part.rows[0] > 0
    inside = full[slice(*part.rows), slice(*part.columns)]
    assert np.array_equal(looked_at(fluid, part), inside)


def test_a_view_outside_the_picture_is_none():
    whole = view_of(gas().state, 3.0)
    assert cropped(whole, Stand(5000.0, 60.0, 72.0), 24.0, (96, 72)) is None


def test_a_palette_without_heat_is_dark_and_tinted_fire_has_its_tint():
    assert not fire_palette()[0].any()
    tinted = fire_palette((0.0, 0.2, 1.0))
    assert tinted[400, 2] > 2 * tinted[400, 0]


def test_noise_makes_nothing_out_of_nothing():
    fluid = gas()
    fluid.state[..., 4] = 0
    cold = replace(Look(), flicker=3.0, erode=3.0)
    fluid.state[..., 3] = np.where(fluid.state[..., 3] > 0, 0.012, 0)
    lit = light_up(fluid.state, 0.4)
    assert lit is not None
    view = view_of(fluid.state, 3.0)
    out = march(fluid.state, lit, cold, view, noise_cube(1), fire_palette(), even_grain(1))
    assert out[..., :3].max() < 1e-3
