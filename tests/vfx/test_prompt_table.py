"""The table of word vectors is small, whole, and means what words mean."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from retake.engines.vfx.plan import VISUALS
from retake.engines.vfx.understand.meaning import ASSET, NONE, load
from retake.engines.vfx.understand.spelling import slips


def test_the_table_is_at_most_four_megabytes() -> None:
    assert len((files("retake.engines.vfx") / "assets" / ASSET).read_bytes()) <= 4_000_000


def test_the_classifier_knows_every_effect_that_is_drawn() -> None:
    assert set(load().classes) == {*VISUALS, NONE}


def test_words_of_like_meaning_point_the_same_way() -> None:
    table = load()
    rain, drizzle, sofa = (table.encode(word) for word in ("rain", "drizzle", "sofa"))
    assert float(rain @ drizzle) > float(rain @ sofa) + 0.2


def test_a_word_that_is_not_in_the_table_is_put_together_from_pieces() -> None:
    table = load()
    assert not table.knows("thunderbolting")
    assert np.linalg.norm(table.encode("thunderbolting")) == pytest.approx(1, abs=1e-5)
    assert not table.encode("雨").any()


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("everybody gets drenched and the gutters overflow", "rain"),
        ("a winter wonderland", "snow"),
        ("the last rays of the day", "sunset"),
        ("a cup of coffee on the table", "none"),
    ],
)
def test_other_words_for_an_effect_are_understood(text: str, effect: str) -> None:
    likely = load().classify(text)
    assert sum(likely.values()) == pytest.approx(1, abs=1e-5)
    assert max(likely, key=likely.__getitem__) == effect


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("storm", "strom", 1), ("fire", "fire", 0), ("exposion", "explosion", 1), ("", "abc", 3)],
)
def test_slips_are_counted_with_swaps_as_one(one: str, other: str, count: int) -> None:
    assert slips(one, other) == count
