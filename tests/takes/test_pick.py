"""``pick``: of several takes the one that meets the source best is given out first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retake.core.errors import BadRequest
from retake.core.request import Limits, check_payload
from retake.engines.engine import Frame, Shot
from retake.steps.outcome import outcome_of
from tests.media.test_seam_score import write
from tests.takes.quick import Quick
from tests.takes.walking import walk

PLACE = {"start_time": 1, "duration": 1, "mode": "replace_video"}


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of one picture with shapes and colours, without sound."""
    chance = np.random.default_rng(4)
    picture = np.repeat(np.repeat(chance.integers(40, 200, (18, 32, 3)), 6, axis=0), 6, axis=1)
    return write(
        tmp_path_factory.mktemp("still") / "still.mp4",
        (picture.astype(np.float64) for _ in range(96)),
    )


class Off(Quick):
    """Gives back the source's own frames, further off the further the seed is from 9."""

    def _frames(self, shot: Shot) -> Iterator[Frame]:
        for frame in shot.frames.read(shot.section):
            off = frame.astype(np.int16) + 9 * abs(shot.seed - 9)
            yield np.clip(off, 0, 255).astype(np.uint8)


def test_the_best_take_comes_first_and_why_is_told(still: Path, tmp_path: Path) -> None:
    outcome = outcome_of(walk(still, tmp_path, Off(), seeds=[6, 9, 11], pick="best", **PLACE))
    assert outcome["picked"]["take"] == 2
    assert outcome["picked"]["by"] == "score"
    assert outcome["picked"]["why"].startswith("take 2 meets the source best: its worst seam")
    assert outcome["files"]["video"] == "video-2.mp4"
    assert outcome["report"]["seed"] == 9
    assert outcome["report"]["request"]["pick"] == "best"
    assert [take["take"] for take in outcome["takes"]] == [1, 2, 3]
    scores = [take["score"] for take in outcome["takes"]]
    assert scores[1] > scores[2] > scores[0]
    assert scores[1] == outcome["report"]["seams"]["score"]


def test_without_being_asked_the_first_one_comes_first(still: Path, tmp_path: Path) -> None:
    for pick in ({}, {"pick": None}, {"pick": "first"}):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        outcome = outcome_of(walk(still, folder, Off(), seeds=[6, 9], **pick, **PLACE))
        assert "picked" not in outcome
        assert outcome["files"]["video"] == "video-1.mp4"


def test_a_take_that_failed_is_not_picked(still: Path, tmp_path: Path) -> None:
    engine = Off(failing=frozenset({9}))
    outcome = outcome_of(walk(still, tmp_path, engine, seeds=[6, 9, 11], pick="best", **PLACE))
    assert outcome["picked"]["take"] == 3
    assert "take 2: failed" in outcome["picked"]["why"]


def test_every_section_counts(still: Path, tmp_path: Path) -> None:
    sections = [
        {"start_time": 0.5, "duration": 0.75, "seed": 6},
        {"start_time": 2, "duration": 0.75, "seed": 9},
    ]
    outcome = outcome_of(
        walk(still, tmp_path, Off(), takes=3, sections=sections, pick="best", mode="replace_video")
    )
    # Seeds 6 and 9, 7 and 10, 8 and 11: the last two are two off at worst, the first one three.
    scores = [take["score"] for take in outcome["takes"]]
    assert scores[0] < min(scores[1:])
    best = outcome["picked"]["take"]
    assert scores[best - 1] == max(scores)
    parts = outcome["report"]["sections"]
    assert max(scores) == min(part["seams"]["score"] for part in parts)


def test_one_take_alone_is_not_picked(still: Path, tmp_path: Path) -> None:
    outcome = outcome_of(walk(still, tmp_path, Off(), pick="best", **PLACE))
    assert "picked" not in outcome


@pytest.mark.parametrize(("pick", "code"), [("worst", "unknown_pick"), (3, "wrong_type")])
def test_another_pick_is_refused(pick: object, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_payload({"video_uri": "a.mp4", "pick": pick}, Limits())
    assert (caught.value.code, caught.value.param) == (code, "pick")
    assert "first or best" in caught.value.message
