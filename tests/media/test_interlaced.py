"""Really interlaced films, each field of another moment: fields stay where and when they were."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np
import pytest
from numpy.typing import NDArray

from retake.core.report import Action
from retake.core.request import Mode
from tests.clips import frame_number, picture
from tests.media.compare import assert_verified
from tests.media.takes import FIRST_NUMBER, edit

SIZE = (192, 160)
COUNT = 25
INTERLACED = {"flags": "+ildct+ilme"}
OPTIONS = {
    "libx264": {**INTERLACED, "preset": "veryfast", "crf": "8", "x264-params": "log-level=error"},
    "mpeg2video": {**INTERLACED, "b": "4M"},
}


def woven(number: int, first: str) -> NDArray[Any]:
    """Return a picture of two fields: that of moment 2n, and that of moment 2n + 1."""
    rgb = picture(2 * number, *SIZE)
    second = 1 if first == "top" else 0
    rgb[second::2] = picture(2 * number + 1, *SIZE)[second::2]
    return rgb


class Filter:
    """FFmpeg's filters, which alone may write or heed the order of a frame's fields."""

    def __init__(self, *filters: tuple[str, str]) -> None:
        self._graph = av.filter.Graph()
        self._graph.link_nodes(
            self._graph.add_buffer(
                width=SIZE[0], height=SIZE[1], format="yuv420p", time_base=Fraction(1, 25)
            ),
            *(self._graph.add(name, args) for name, args in filters),
            self._graph.add("buffersink"),
        ).configure()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._graph.push(frame)
        return self._graph.pull()


def filmed(path: Path, codec: str, first: str) -> Path:
    """Write 25 pictures of fields."""
    ordered = Filter(("setfield", f"{first[0]}ff"))
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=25, options=OPTIONS[codec])
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.gop_size = "yuv420p", 12
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(woven(number, first), "rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(ordered(frame)))
        out.mux(stream.encode(None))
    return path


def fields_of(path: Path) -> list[tuple[int, int, str]]:
    """Return the moments that each picture's upper and lower field show, and which comes first."""
    # What has its upper field first already passes the second one unchanged.
    full = ("format", "yuv444p")
    plain, upper_first = Filter(full), Filter(full, ("fieldorder", "tff"))
    found: list[tuple[int, int, str]] = []
    with av.open(path) as container:
        for frame in container.decode(video=0):
            assert frame.interlaced_frame
            rgb = frame.to_ndarray(format="rgb24")
            same = np.array_equal(plain(frame).to_ndarray(), upper_first(frame).to_ndarray())
            order = "top" if same else "bottom"
            found.append((frame_number(rgb[0::2]), frame_number(rgb[1::2]), order))
    return found


@pytest.mark.parametrize("first", ["top", "bottom"])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.ts", "libx264"),
        ("a.ts", "mpeg2video"),
        ("a.mpg", "mpeg2video"),
        ("a.mkv", "mpeg2video"),
    ],
)
def test_fields_stay_where_and_when_they_were(
    name: str, codec: str, first: str, tmp_path: Path
) -> None:
    src = filmed(tmp_path / name, codec, first)
    moments = (0, 1) if first == "top" else (1, 0)
    told = [(2 * n + moments[0], 2 * n + moments[1], first) for n in range(COUNT)]
    assert fields_of(src) == told
    done = edit(src, tmp_path, 8, 14, Mode.VIDEO, name=f"out{src.suffix}")
    assert done.source.video.interlaced
    assert done.rendered.video.action is Action.REENCODED
    # A take's pictures are whole ones: both fields show the same moment.
    new = [(FIRST_NUMBER - n, FIRST_NUMBER - n, first) for n in range(6)]
    assert fields_of(done.out) == [*told[:8], *new, *told[14:]]
    assert_verified(done, Mode.VIDEO)
