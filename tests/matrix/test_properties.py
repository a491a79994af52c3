"""Any section of any source, in any mode: drawn by Hypothesis, judged like the rest of the matrix.

The short run draws the same few examples every time; RETAKE_TEST_MATRIX=long draws new ones.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retake.core.request import Mode
from tests.matrix.judge import keyframes
from tests.matrix.not_yet import NOT_YET
from tests.matrix.places import Place
from tests.matrix.sources import ROWS
from tests.matrix.test_matrix import LONG, complaints

EXAMPLES = int(os.environ.get("RETAKE_TEST_EXAMPLES", "500" if LONG else "24"))
HOLDING = sorted(name for name in ROWS if name not in NOT_YET)


@cache
def _edges(path: Path) -> tuple[int, tuple[int, ...]]:
    """Return how many pictures a clip shows, and which of them are keyframes, as shown."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        shown = [p.pts for p in container.demux(stream) if p.size and not p.is_discard]
        index = stream.index
    keys = keyframes(path, index)
    order = sorted(shown)
    with av.open(path) as container:
        decoded = [p.pts for p in container.demux(container.streams[index]) if p.size]
    return len(shown), tuple(order.index(decoded[k]) for k in keys if decoded[k] in order)


@st.composite
def _places(draw: st.DrawFn, made: Callable[[str], Path]) -> tuple[str, Place]:
    name = draw(st.sampled_from(HOLDING))
    count, keys = _edges(made(name))
    # Half of all bounds lie at keyframes or beside them: that is where plans go wrong.
    near = [at for key in (*keys, count) for at in (key - 1, key, key + 1) if 0 <= at < count]
    bound = st.one_of(st.integers(0, count - 1), st.sampled_from(near))
    first, last = sorted((draw(bound), draw(bound)))
    mode = draw(st.sampled_from([Mode.AUDIO_AND_VIDEO, *Mode]))
    place = Place(f"{first}..{last + 1} {mode}", first, last + 1, mode)
    return name, place


@pytest.mark.slow
@pytest.mark.timeout(0 if LONG else 300)
def test_any_section_keeps_what_is_promised(made: Callable[[str], Path]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=_places(made))
    def holds(drawn: tuple[str, Place]) -> None:
        name, place = drawn
        with tempfile.TemporaryDirectory() as folder:
            found = complaints(name, made(name), Path(folder), place)
        assert not found, "\n".join(["", name, *found])

    holds()
