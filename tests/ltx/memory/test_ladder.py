from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.engines.ltx.memory.configuration import LARGE_PARTS, TILES, Configuration
from retake.engines.ltx.memory.estimate import host_bytes, peak, peaks, seconds
from retake.engines.ltx.memory.ladder import (
    CARDS_GB,
    USUAL,
    base_for,
    least_bytes,
    plan,
    step_down,
)
from retake.engines.ltx.memory.sizes import GIB, LTX_2_3
from retake.engines.ltx.memory.work import SMALLEST_PIXELS, Phase, Work

SMALL = Work(width=768, height=512, frames=121, audio_latents=126)

works = st.builds(
    Work,
    width=st.integers(8, 120).map(lambda cells: cells * 32),
    height=st.integers(8, 68).map(lambda cells: cells * 32),
    frames=st.integers(1, 60).map(lambda latents: latents * 8 + 1),
    audio_latents=st.integers(1, 525),
    together=st.sampled_from((1, 2)),
)


def usable(gigabytes: float) -> int:
    return int(gigabytes * GIB * 0.97)


@pytest.mark.parametrize("gigabytes", CARDS_GB)
def test_every_listed_card_has_a_plan_for_the_largest_usual_window(gigabytes: int):
    way = plan(USUAL, usable(gigabytes))
    assert way is not None
    assert all(one.total <= usable(gigabytes) for one in peaks(USUAL, way, LTX_2_3))


def test_the_plans_of_the_listed_cards_are_these():
    said = {size: plan(USUAL, usable(size)) for size in CARDS_GB}
    assert {size: way.name for size, way in said.items() if way} == {
        80: "bf16, one part at a time",
        48: "fp8, one part at a time",
        24: "fp8, one part at a time, streamed, tiles 1024x97",
        16: "fp8, one part at a time, streamed, tiles 1024x97, at most 1.50 MP",
        12: "fp8, one part at a time, streamed, tiles 1024x97, at most 1.03 MP",
    }


def test_a_24_gb_card_needs_neither_a_smaller_size_nor_streaming_for_a_small_window():
    way = plan(SMALL, usable(24))
    assert way is not None
    assert not way.streamed
    assert way.pixels is None


def test_a_smaller_card_never_gets_a_higher_configuration():
    for above, below in itertools.pairwise(CARDS_GB):
        first, second = plan(USUAL, usable(above)), plan(USUAL, usable(below))
        assert first is not None
        assert second is not None
        assert first.float8 <= second.float8
        assert first.streamed <= second.streamed
        assert (first.pixels or 1 << 40) >= (second.pixels or 1 << 40)


@given(work=works, gigabytes=st.floats(4, 200))
def test_what_is_planned_fits_and_what_is_not_planned_would_not(work: Work, gigabytes: float):
    budget = usable(gigabytes)
    way = plan(work, budget)
    if way is None:
        assert least_bytes(work) > budget or not base_for(budget).float8
    else:
        assert all(one.total <= budget for one in peaks(work, way, LTX_2_3))


@given(work=works, phase=st.sampled_from(Phase))
def test_every_step_down_takes_less_there_or_moves_weights_away_until_the_bottom(
    work: Work, phase: Phase
):
    way: Configuration | None = Configuration()
    seen = 0
    while way is not None:
        lower = step_down(way, phase, work)
        if lower is not None:
            assert peak(phase, work, lower, LTX_2_3).total <= peak(phase, work, way, LTX_2_3).total
        way, seen = lower, seen + 1
        assert seen < 40


def test_the_steps_of_denoising_come_in_the_written_order():
    way: Configuration | None = Configuration()
    taken: list[str] = []
    while way is not None:
        taken.append(way.name)
        way = step_down(way, Phase.DENOISE, USUAL)
    assert taken[:5] == [
        "bf16, all loaded",
        "bf16, one part at a time",
        "fp8, one part at a time",
        "fp8, one part at a time, streamed",
        "fp8, one part at a time, streamed, at most 1.50 MP",
    ]
    assert taken[-1].endswith(f"at most {SMALLEST_PIXELS / 1e6:.2f} MP")


def test_a_decoder_that_does_not_fit_is_no_reason_to_quantise_the_transformer():
    way: Configuration | None = Configuration()
    while way is not None and way.pixels is None:
        assert not way.float8
        last, way = way, step_down(way, Phase.DECODE, USUAL)
    assert last.tiles == TILES[-1]


@given(work=works, gigabytes=st.floats(8, 100))
def test_planning_never_quantises_beyond_what_the_card_was_settled_on(work: Work, gigabytes: float):
    budget = usable(gigabytes)
    way = plan(work, budget)
    assert way is None or way.float8 == base_for(budget).float8


def test_quantising_and_streaming_are_counted():
    whole = Configuration(swapped=True)
    held = peak(Phase.DENOISE, USUAL, whole, LTX_2_3).weights
    eight = Configuration(swapped=True, float8=frozenset(LARGE_PARTS))
    streamed = Configuration(swapped=True, streamed=frozenset(LARGE_PARTS))
    assert held == 2 * LTX_2_3.parameters["transformer"]
    assert 0.5 < peak(Phase.DENOISE, USUAL, eight, LTX_2_3).weights / held < 0.52
    assert peak(Phase.DENOISE, USUAL, streamed, LTX_2_3).weights < 0.07 * held
    assert host_bytes(whole, LTX_2_3) > host_bytes(eight, LTX_2_3) > 30e9
    assert host_bytes(Configuration(), LTX_2_3) == 0


@given(work=works, pixels=st.integers(SMALLEST_PIXELS, 4_000_000))
def test_a_smaller_working_size_keeps_the_shape_and_the_grid(work: Work, pixels: int):
    smaller = work.within(pixels)
    assert smaller.pixels <= max(pixels, 32 * 32)
    assert smaller.width % 32 == smaller.height % 32 == 0
    assert smaller.frames == work.frames
    if pixels >= work.pixels:
        assert smaller is work


def test_more_to_do_takes_longer():
    way = Configuration()
    assert seconds(SMALL, way, LTX_2_3) < seconds(USUAL, way, LTX_2_3)
    slower = Configuration(swapped=True, streamed=frozenset(LARGE_PARTS))
    assert seconds(SMALL, way, LTX_2_3, 989e12) < seconds(SMALL, slower, LTX_2_3, 989e12)
