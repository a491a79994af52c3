"""A section is as near to its pictures as its neighbours to theirs, without many times their bytes.

The source is made from known pictures, and the take is the same ones, so both can be held against
what they should show.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from retake.core.request import Limits, Mode
from retake.core.watch import Watch
from retake.media.colour import ToRgb
from retake.media.pictures.recipe import section_quantiser
from retake.media.probe import probe
from retake.media.render import render
from retake.media.take import TakeFiles, TakeWriter
from tests.media.takes import section_of

SIZE, COUNT, FIRST, LAST = (256, 144), 48, 16, 32
Luma = NDArray[np.float64]

SOURCES: dict[str, tuple[str, dict[str, str]]] = {
    "x264 medium": ("libx264", {"preset": "medium", "crf": "18"}),
    "x264 veryfast": ("libx264", {"preset": "veryfast", "crf": "26"}),
    "x265 medium": ("libx265", {"preset": "medium", "x265-params": "log-level=none:crf=20"}),
    "x265 ultrafast": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:crf=26"}),
}


def known_pictures() -> list[av.VideoFrame]:
    """Return a landscape of all scales that is panned over, under a little grain."""
    chance, (width, height) = np.random.default_rng(3), SIZE
    ground = np.zeros((height, width + COUNT * 3))
    for step in (4, 8, 16, 48):
        rows, columns = height // step + 2, ground.shape[1] // step + 2
        coarse = chance.normal(0, 3 + step / 2, (rows, columns))
        ground += np.kron(coarse, np.ones((step, step)))[: ground.shape[0], : ground.shape[1]]
    frames: list[av.VideoFrame] = []
    for number in range(COUNT):
        luma = (
            120 + ground[:, 3 * number : 3 * number + width] + chance.normal(0, 2, (height, width))
        )
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = np.clip(luma, 16, 235)
        frames.append(av.VideoFrame.from_ndarray(planes, "yuv420p"))
    return frames


def write_source(path: Path, frames: list[av.VideoFrame], kind: str) -> None:
    encoder, options = SOURCES[kind]
    with av.open(path, "w") as out:
        video: Any = out.add_stream(encoder, rate=24, options=options)
        video.width, video.height, video.pix_fmt, video.gop_size = *SIZE, "yuv420p", 24
        video.codec_context.time_base = Fraction(1, 24)
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))


def likeness(path: Path, frames: list[av.VideoFrame]) -> list[float]:
    """Return the PSNR of each picture's luma."""
    with av.open(path) as container:
        shown = [luma_of(frame) for frame in container.decode(video=0)]
    errors = [((a - luma_of(b)) ** 2).mean() for a, b in zip(shown, frames, strict=True)]
    return [10 * np.log10(255**2 / error) for error in errors]


def luma_of(frame: av.VideoFrame) -> Luma:
    return frame.to_ndarray()[: SIZE[1]].astype(float)


def section_bytes(path: Path, pts: tuple[int, ...]) -> int:
    with av.open(path) as container:
        return sum(packet.size for packet in container.demux(video=0) if packet.pts in pts)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_section_is_as_good_as_its_neighbours(kind: str, tmp_path: Path) -> None:
    frames, src, out = known_pictures(), tmp_path / "source.mp4", tmp_path / "out.mp4"
    write_source(src, frames, kind)
    source = probe(src, Limits())
    section, to_rgb = section_of(source, FIRST, LAST), ToRgb(source.video)
    with TakeWriter(tmp_path / "take.nut", source.video) as writer:
        for frame in frames[FIRST:LAST]:
            writer.write(to_rgb(frame))
    take = TakeFiles(tmp_path / "take.nut", None)
    render(src, out, source, section, Mode.VIDEO, take, Watch())
    before, after = likeness(src, frames), likeness(out, frames)[FIRST:LAST]
    assert np.mean(after) >= np.mean(before) - 0.3
    assert min(after) >= min(before) - 0.3
    pts = source.video.pts[FIRST:LAST]
    assert section_bytes(out, pts) <= 4 * section_bytes(src, pts)


def test_the_quantiser_is_a_bit_finer_than_the_sources_within_bounds() -> None:
    assert section_quantiser([24, 25, 31]) == 22
    assert section_quantiser([24, 25, 31], 7) == 18
    assert section_quantiser([45]) == 28
    assert section_quantiser([2]) == 4
    assert section_quantiser([]) == 20
