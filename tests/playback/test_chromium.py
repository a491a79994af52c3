"""A rendered file plays in a browser: every seek shows the right picture, and so do both seams."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from tests.clips import frame_number
from tests.matrix.not_yet import NOT_YET
from tests.media.takes import Edit
from tests.playback.player import load, play, seek

MOST_DIFFERENCE = 6
"""Levels of 255 by which a browser's own colour conversion may differ on average."""

ROWS = [
    "h264 mp4",
    "h264 B-pyramid mp4",
    "h264 one keyframe mp4",
    "h264 open GOP mp4",
    "h264 fragmented mp4",
    "hevc hvc1 mp4",
    "vp9 mp4",
    "vp9 opus webm",
    "av1 mp4",
    "av1 opus webm",
]
# What Chromium does not seek in the sources themselves either: it stumbles over the leading
# pictures of an open GOP, and shows the keyframe instead of the two pictures before it where a
# fragmented file has no edit list.
SEEKABLE = [name for name in ROWS if "open GOP" not in name and "fragmented" not in name]
TYPES = {
    "h264": 'video/mp4; codecs="avc1.64001f"',
    "hevc": 'video/mp4; codecs="hvc1.1.6.L93.B0"',
    "vp9": 'video/webm; codecs="vp09.00.10.08"',
    "av1": 'video/mp4; codecs="av01.0.01M.08"',
}

pytestmark = pytest.mark.browser


def _decoded(edit: Edit) -> list[tuple[float, NDArray[Any]]]:
    """Return every picture of the output as PyAV decodes it, with its time."""
    with av.open(edit.out) as container:
        return [
            (float(frame.time), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


def _played(page: Page, name: str, rendered: Callable[[str], Edit]) -> Edit:
    """Return a row with new pictures in it, where this Chromium plays its codec."""
    if name in NOT_YET:
        pytest.skip(f"the matrix does not hold here yet: {NOT_YET[name]}")
    kind = TYPES[name.partition(" ")[0]]
    if not page.evaluate("(kind) => MediaSource.isTypeSupported(kind)", kind):
        pytest.skip(f"this Chromium does not play {kind}")
    return rendered(name)


@pytest.mark.parametrize("name", SEEKABLE)
def test_every_seek_shows_the_picture_of_its_moment(
    name: str, page: Page, address: str, rendered: Callable[[str], Edit]
) -> None:
    done = _played(page, name, rendered)
    wanted = _decoded(done)
    loaded = load(page, f"{address}/{done.out.name}")
    assert (loaded.width, loaded.height) == done.source.video.upright_size
    assert abs(loaded.seconds - float(done.source.video.duration)) < 0.1
    first, last, count = done.section.frames.start, done.section.frames.end, len(wanted)
    # Both sides of both seams, the ends, and some more; in no order that a player would like.
    places = [0, 1, first - 1, first, first + 1, last - 1, last, last + 1, last + 4, count - 1]
    draw = random.Random(name)
    places += [draw.randrange(count) for _ in range(6)]
    draw.shuffle(places)
    wrong: list[str] = []
    for place in places:
        until = wanted[place + 1][0] if place + 1 < count else wanted[place][0] + 0.03
        _, shown = seek(page, (wanted[place][0] + until) / 2)
        number, right = frame_number(shown), frame_number(wanted[place][1])
        off = float(np.abs(shown.astype(int) - wanted[place][1]).mean())
        if number != right or off > MOST_DIFFERENCE:
            wrong.append(
                f"picture {place}: shows {number} instead of {right}, {off:.1f} levels off"
            )
    assert not wrong, wrong


@pytest.mark.parametrize("name", ROWS)
def test_both_seams_play(
    name: str, page: Page, address: str, rendered: Callable[[str], Edit]
) -> None:
    done = _played(page, name, rendered)
    wanted = [(time, frame_number(rgb)) for time, rgb in _decoded(done)]
    load(page, f"{address}/{done.out.name}")
    seen, corrupt = play(page, 0.8)
    assert corrupt == 0
    times = np.array([time for time, _ in wanted])
    places = [int(np.abs(times - time).argmin()) for time, _ in seen]
    wrong = [
        f"picture {place}: shows {number} instead of {wanted[place][1]}"
        for place, (_, number) in zip(places, seen, strict=True)
        if number != wanted[place][1]
    ]
    assert not wrong, wrong
    # A busy machine may drop a picture; what comes to the screen still crosses both seams.
    first, last = done.section.frames.start, done.section.frames.end
    for seam in (first, last):
        near = {place - seam for place in places if abs(place - seam) <= 3}
        assert min(near) < 0 <= max(near), f"nothing seen around picture {seam}: {places}"
    assert places == sorted(places)
