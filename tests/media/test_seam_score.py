"""The steps at a seam tell what is wrong with a take, and its score falls with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from retake.core.report import Seams
from retake.core.request import Limits, Mode
from retake.core.scoring import TOLERANCES, pick_best, scored
from retake.media.probe import probe
from retake.media.proof.looks import Look, movement
from retake.media.proof.seams import measure_seams
from tests.media.takes import section_of

FIRST, LAST = 30, 66
Bend = Callable[[np.ndarray, int], np.ndarray]


def texture() -> np.ndarray:
    """Return a wide picture with shapes of many sizes, the same every time."""
    chance = np.random.default_rng(4)
    layers = [gaussian_filter(chance.normal(0, 1, (108, 400, 3)), (s, s, 0)) for s in (1, 3, 9)]
    picture = sum(layer / layer.std() for layer in layers) * 10 + 120
    return np.clip(picture, 0, 255)


def write(path: Path, pictures: Iterator[np.ndarray]) -> Path:
    """Write pictures at 24 a second, nearly without loss."""
    with av.open(path, "w") as out:
        stream: Any = out.add_stream("libx264", 24)
        stream.width, stream.height, stream.pix_fmt = 192, 108, "yuv420p"
        stream.options = {"crf": "8", "preset": "veryfast"}
        for picture in pictures:
            rgb = np.clip(picture, 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        out.mux(stream.encode(None))
    return path


def film(path: Path, bend: Bend) -> Path:
    """Write a pan over the texture, two pixels a picture; `bend` makes the section's."""
    wide = texture()
    own = [wide[:, n * 2 : n * 2 + 192] for n in range(96)]
    inside = range(FIRST + 4, LAST - 4)
    return write(path, (bend(each, n) if n in inside else each for n, each in enumerate(own)))


def steps(tmp_path: Path, bend: Bend) -> Seams:
    path = film(tmp_path / "film.mp4", bend)
    source = probe(path, Limits())
    return measure_seams(path, path, source, section_of(source, FIRST, LAST), Mode.VIDEO)


def test_a_take_like_the_source_scores_high(tmp_path: Path) -> None:
    seams = steps(tmp_path, lambda own, n: own)
    assert seams.score is not None
    assert seams.score > 85
    assert (seams.score_in, seams.score_out) >= (seams.score, seams.score)


def test_a_tint_is_a_step_of_colour(tmp_path: Path) -> None:
    seams = steps(tmp_path, lambda own, n: own + np.array([12, 0, -12]))
    assert seams.colour_step_in_de is not None
    assert seams.colour_step_out_de is not None
    assert min(seams.colour_step_in_de, seams.colour_step_out_de) > 3
    assert seams.score is not None
    assert seams.score < 75
    assert abs(seams.sharpness_step_in_db or 0) < 1.5


def test_softness_is_a_step_of_sharpness(tmp_path: Path) -> None:
    seams = steps(tmp_path, lambda own, n: gaussian_filter(own, (1, 1, 0)))
    assert seams.sharpness_step_in_db is not None
    assert seams.sharpness_step_in_db < -3
    assert (seams.colour_step_in_de or 0) < 1.5
    assert seams.score is not None
    assert seams.score < 75


def test_a_still_picture_in_a_pan_is_a_step_of_motion(tmp_path: Path) -> None:
    still = texture()[:, 96:288]
    seams = steps(tmp_path, lambda own, n: still)
    # Two of 192 pixels, 24 times a second, are 25 % of the width.
    assert seams.motion_step_in_pct == pytest.approx(25, abs=3)
    assert seams.motion_step_out_pct == pytest.approx(25, abs=3)
    assert seams.score is not None
    assert seams.score < 30


def test_something_in_one_corner_is_no_step(tmp_path: Path) -> None:
    def fire(own: np.ndarray, n: int) -> np.ndarray:
        made = own.copy()
        made[60:, 130:] = (250, 120, 10)
        return made

    seams = steps(tmp_path, fire)
    assert seams.score is not None
    assert seams.score > 80


def test_pictures_without_shapes_have_colours_only(tmp_path: Path) -> None:
    grey = np.full((108, 192, 3), 90.0)
    bright = range(FIRST + 4, LAST - 4)
    path = write(tmp_path / "grey.mp4", (grey + 30 * (n in bright) for n in range(96)))
    source = probe(path, Limits())
    seams = measure_seams(path, path, source, section_of(source, FIRST, LAST), Mode.VIDEO)
    assert seams.motion_step_in_pct is None
    assert seams.sharpness_step_in_db is None
    assert seams.colour_step_in_de == pytest.approx(12, abs=2)


@pytest.mark.parametrize("name", TOLERANCES)
def test_a_step_as_large_as_its_tolerance_halves_the_score(name: str) -> None:
    step = name.format("in")
    seams = scored(replace(Seams(), **{step: -TOLERANCES[name]}))
    assert (seams.score_in, seams.score_out, seams.score) == (50, None, 50)
    assert scored(replace(Seams(), **{step: 0.0})).score == 100


def test_the_worse_end_counts() -> None:
    seams = scored(Seams(colour_step_in_de=3.0, colour_step_out_de=6.0, motion_step_in_pct=0.0))
    assert seams.score_in == pytest.approx(100 * 2**-0.5, abs=0.1)
    assert seams.score_out == seams.score == 25
    assert scored(Seams(psnr_in_db=30.0)) == Seams(psnr_in_db=30.0)


def test_the_best_take_is_that_whose_worst_seam_is_best() -> None:
    def take(*steps: float) -> list[Seams]:
        return [scored(Seams(colour_step_in_de=step)) for step in steps]

    picked = pick_best({1: take(0, 9), 2: take(4, 4), 3: None, 4: take(4, 1)})
    assert (picked.take, picked.by) == (2, "score")
    assert picked.why == (
        "take 2 meets the source best: its worst seam scores 39.7 of 100 (take 1: 12.5, take 3: "
        "failed, take 4: 39.7); what is left is colour, +4.0 ΔE at its start"
    )
    unseen = pick_best({1: None, 2: [Seams()], 3: [Seams()]})
    assert (unseen.take, unseen.by) == (2, "order")


def luma(spread: float, seed: int) -> Look:
    """Return a look of which nothing but its brightness counts: soft blots of one size."""
    blots = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (108, 192)), spread)
    return Look(np.zeros((1, 1, 3)), blots / blots.std() * 30 + 120, np.zeros((1, 1)))


def test_a_movement_is_told_with_its_direction() -> None:
    here = luma(1, 3)
    there = replace(here, luma=np.roll(here.luma, (3, -5), (0, 1)))
    assert np.median(movement(here, there), axis=0) == pytest.approx([-5, 3], abs=0.1)
    assert movement(here, here) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("spread", [1, 4, 8])
def test_from_one_picture_to_quite_another_nothing_moves(spread: float) -> None:
    assert np.isnan(movement(luma(spread, 1), luma(spread, 2))).all()
