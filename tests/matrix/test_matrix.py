"""Every kind of source, edited in every place: outside the section it keeps what is promised.

The short run takes two places a row; RETAKE_TEST_MATRIX=long takes all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retake.core.errors import RetakeError
from tests.matrix.judge import Judged, judge
from tests.matrix.not_yet import NOT_YET
from tests.matrix.places import PLACES, Place, short
from tests.matrix.sources import ROWS
from tests.media.takes import edit

LONG = os.environ.get("RETAKE_TEST_MATRIX") == "long"


def _marks(name: str) -> list[pytest.MarkDecorator]:
    if name not in NOT_YET:
        return []
    runs = not NOT_YET[name].startswith("crashes")
    return [pytest.mark.xfail(reason=NOT_YET[name], strict=True, run=runs)]


PARAMETERS = [
    pytest.param(name, PLACES if LONG else short(name), id=name, marks=_marks(name))
    for name in ROWS
]


def complaints(name: str, src: Path, folder: Path, place: Place) -> list[str]:
    """Edit a row's clip in one place and return what is wrong, each with the place's name."""
    folder.mkdir(exist_ok=True)
    try:
        done = edit(src, folder, place.first, place.last, place.mode)
        found = judge(Judged(done, ROWS[name], place.mode))
    except RetakeError as error:
        found = [f"{error.code}: {error.message}"]
    return [f"[{place.name}] {text}" for text in found]


@pytest.mark.parametrize(("name", "places"), PARAMETERS)
def test_a_source_keeps_what_is_promised(
    name: str, places: tuple[Place, ...], made: Callable[[str], Path], tmp_path: Path
) -> None:
    found = [
        text
        for number, place in enumerate(places)
        for text in complaints(name, made(name), tmp_path / str(number), place)
    ]
    assert not found, "\n".join(["", *found])
