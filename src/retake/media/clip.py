"""Reading a clip that came back from another server: what is shown and heard at given moments.

Where a stranger changed times, size or depth on the way, the nearest frame counts, scaled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from retake.core.source import Source
from retake.media.colour import RGB, ToRgb
from retake.media.decode import decode_frames
from retake.media.sound import read_sound


def frames_at(
    path: Path,
    source: Source,
    times: Sequence[Fraction],
    width: int,
    height: int,
    *,
    deep: bool,
) -> Iterator[RGB]:
    """Yield, for each of the ascending `times`, the clip's frame nearest to it.

    Args:
        path: The clip.
        source: What `probe` found in it.
        times: Seconds from its first frame's appearance.
        width: What pictures are scaled to where they have another size.
        height: Likewise.
        deep: Whether uint16 is wanted rather than uint8.

    Raises:
        BadSource: `damaged`: a frame cannot be decoded.
    """
    if not times:
        return
    numbers = nearest(source.video.times, times)
    to_rgb = ToRgb(source.video)
    at, shown = numbers[0] - 1, None
    decoded = decode_frames(path, source, numbers[0], numbers[-1] + 1)
    for number in numbers:
        while at < number:
            frame, at, shown = next(decoded), at + 1, None
        if shown is None:
            shown = _in_depth(_scaled(to_rgb(frame), width, height), deep=deep)  # pyright: ignore[reportPossiblyUnboundVariable]
        yield shown


def nearest(have: Sequence[Fraction], wanted: Sequence[Fraction]) -> list[int]:
    """Return, for each ascending moment wanted, the number of the nearest one that there is."""
    numbers: list[int] = []
    for time in wanted:
        after = min(bisect_left(have, time), len(have) - 1)
        before = max(after - 1, 0)
        numbers.append(before if time - have[before] <= have[after] - time else after)
    return numbers


def clip_sound(
    path: Path, source: Source, start: Fraction, end: Fraction
) -> tuple[NDArray[np.float32], int] | None:
    """Return a clip's sound of [start, end) and its rate; None when it has none.

    Raises:
        BadSource: `damaged`: it cannot be decoded.
    """
    if not source.audio:
        return None
    audio = source.audio[0]
    return read_sound(path, audio, start, end), audio.sample_rate


def _scaled(rgb: RGB, width: int, height: int) -> RGB:
    """Return a picture at a size; one that is a row or a column larger was padded, and is cut."""
    rows, columns = rgb.shape[:2]
    if 0 <= rows - height <= height % 2 and 0 <= columns - width <= width % 2:
        cut: Any = rgb[:height, :width]
        return np.ascontiguousarray(cut)
    name = "rgb48le" if rgb.dtype == np.uint16 else "rgb24"
    frame: Any = av.VideoFrame.from_ndarray(rgb, name)
    return frame.reformat(
        width=width, height=height, format=name, interpolation=Interpolation.BICUBIC
    ).to_ndarray()


def _in_depth(rgb: RGB, *, deep: bool) -> RGB:
    if deep and rgb.dtype == np.uint8:
        return rgb.astype(np.uint16) * np.uint16(257)
    if not deep and rgb.dtype == np.uint16:
        return ((rgb.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return rgb
