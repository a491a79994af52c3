"""The gas: mass, heat, and the same bits however the rows are dealt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.errors import Cancelled
from retake.core.watch import Watch
from retake.engines.vfx.sim import advection
from retake.engines.vfx.sim.blast import Blast
from retake.engines.vfx.sim.burn import smooth
from retake.engines.vfx.sim.emit import put_ball
from retake.engines.vfx.sim.fluid import Fluid, Physics
from retake.engines.vfx.sim.noise import even_grain, noise_cube
from retake.engines.vfx.sim.pressure import PressureSolver

NZ, NY, NX = 12, 16, 20


def burning() -> Fluid:
    fluid = Fluid(NZ, NY, NX)
    put_ball(fluid.state, (10, 5, 6), 3, 1.5, 0.8, (4, 2, -3))
    return fluid


def centre_row(amount: np.ndarray) -> float:
    weight = amount.sum(axis=(0, 2))
    return float((weight * np.arange(len(weight))).sum() / weight.sum())


def laplacian(p: np.ndarray) -> np.ndarray:
    out = -6 * p
    for axis in range(3):
        for step in (1, -1):
            beside = np.roll(p, step, axis)
            edge = [slice(None)] * 3
            edge[axis] = 0 if step == 1 else -1
            floor = axis == 1 and step == 1
            beside[tuple(edge)] = p[tuple(edge)] if floor else -p[tuple(edge)]
            out = out + beside
    return out


def test_the_pressure_solves_the_equation_with_open_sides_and_a_floor():
    q = np.random.default_rng(3).normal(size=(NZ, NY, NX)).astype(np.float32)
    p = PressureSolver(NZ, NY, NX).solve(q.copy())
    assert np.abs(laplacian(p.astype(np.float64)) - q).max() < 1e-3


def test_air_at_rest_stays_at_rest():
    fluid = Fluid(NZ, NY, NX)
    fluid.step(1 / 24, Physics(), 0.9)
    assert not fluid.state.any()


def test_hot_gas_rises():
    fluid = Fluid(NZ, NY, NX)
    put_ball(fluid.state, (10, 5, 6), 3, 1.0, 1.0)
    before = centre_row(fluid.soot)
    for _ in range(8):
        fluid.step(1 / 24, Physics(buoyancy=40, cool=0.1), 0.9)
    assert centre_row(fluid.soot) > before + 0.5


def test_heat_turns_into_soot():
    fluid = burning()
    soot, heat = float(fluid.soot.sum()), float(fluid.heat.sum())
    fluid.step(1 / 24, Physics(soot_loss=0, cool=2), 0.9)
    assert fluid.heat.sum() < heat
    assert fluid.soot.sum() > soot


@settings(max_examples=15, deadline=None)
@given(st.floats(1 / 120, 1 / 10), st.floats(0, 120), st.floats(0, 40))
def test_gas_never_gets_hotter_or_negative_by_moving(dt: float, buoyancy: float, swirl: float):
    fluid = burning()
    hottest = float(fluid.heat.max())
    for _ in range(3):
        fluid.step(dt, Physics(buoyancy=buoyancy, swirl=swirl, soot=0), 0.9)
    assert np.isfinite(fluid.state).all()
    assert fluid.heat.min() >= 0
    assert fluid.heat.max() <= hottest * 1.0001
    assert fluid.soot.min() >= 0


def test_rows_dealt_in_any_chunks_give_the_same_bits():
    state = burning().state.reshape(-1)
    whole, parts = np.zeros_like(state), np.zeros_like(state)
    dt = np.float32(1 / 24)
    advection.trace_back(0, NZ, state, whole, NZ, NY, NX, dt)
    for start in range(0, NZ, 5):
        advection.trace_back(start, min(start + 5, NZ), state, parts, NZ, NY, NX, dt)
    assert np.array_equal(whole, parts)
    assert whole.any()


def test_two_runs_give_the_same_bits():
    first, second = burning(), burning()
    for _ in range(4):
        first.step(1 / 24, Physics(), 0.9)
        second.step(1 / 24, Physics(), 0.9)
    assert np.array_equal(first.state, second.state)


def test_a_ball_outside_the_box_changes_nothing():
    fluid = Fluid(NZ, NY, NX)
    put_ball(fluid.state, (-40, 5, 6), 3, 1, 1, (1, 1, 1))
    assert not fluid.state.any()


def blast() -> Blast:
    rng = np.random.default_rng(5)
    return Blast(rng, 16.0, (1.2, 1.0, 0.8), ignition_s=0.1, clearing_s=1.0, end_s=2.0)


def test_frames_closer_than_a_step_are_bridged_not_simulated():
    burn = blast()
    burn.advance(0.1, Watch())
    before = burn.fluid.state.copy()
    assert burn.advance(0.1 + 1 / 60, Watch()) == pytest.approx(1 / 60)
    assert np.array_equal(before, burn.fluid.state)
    assert burn.advance(0.1 + 2 / 60, Watch()) == 0
    assert not np.array_equal(before, burn.fluid.state)


def test_a_step_stops_when_it_is_cancelled():
    from threading import Event

    cancel = Event()
    watch = Watch(cancel=cancel)
    burn = blast()
    burn.advance(0.1, watch)
    cancel.set()
    with pytest.raises(Cancelled):
        burn.advance(0.5, watch)


def test_noise_wraps_and_is_even():
    noise = noise_cube(4)
    inside = np.abs(np.diff(noise, axis=2)).mean()
    across = np.abs(noise[:, :, 0] - noise[:, :, -1]).mean()
    assert across == pytest.approx(inside, rel=0.2)
    grain = even_grain(4)
    assert sorted(grain.ravel()) == pytest.approx((np.arange(4096) + 0.5) / 4096)
    # Blue: means over 8x8 pixels differ far less than those of white noise (0.289 / 8).
    assert grain.reshape(8, 8, 8, 8).mean(axis=(1, 3)).std() < 0.012


@pytest.mark.parametrize(("x", "y"), [(0.9, 0.0), (1.0, 1.0), (2.0, 1.0)])
def test_a_step_without_width_is_a_jump(x: float, y: float):
    assert smooth(1.0, 1.0, x) == y
