"""Pictures in the clothes of others: new samples in frames that say how their fields lie.

Encoders of interlaced video ask every frame which of its fields comes first. A take's frames do not
know; the source's do, and nothing but a decoder can write it into a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy as np

from retake.core.errors import RenderFailed


def dressed(
    pictures: Iterator[av.VideoFrame], frames: Iterator[av.VideoFrame]
) -> Iterator[av.VideoFrame]:
    """Yield `frames` with the samples of `pictures` in them, as long as there are both.

    Raises:
        RenderFailed: `take_mismatch`: they are not of one size and format.
    """
    for picture, frame in zip(pictures, frames, strict=False):
        if (picture.format.name, picture.width, picture.height) != (
            frame.format.name,
            frame.width,
            frame.height,
        ):
            raise RenderFailed("take_mismatch", "the take's pictures are not like the source's")
        # The decoder may still need what it gave out.
        frame.make_writable()
        new: Any
        old: Any
        for old, new in zip(frame.planes, picture.planes, strict=True):
            into = np.frombuffer(old, np.uint8).reshape(-1, old.line_size)
            samples = np.frombuffer(new, np.uint8).reshape(-1, new.line_size)
            width = min(old.line_size, new.line_size)
            into[:, :width] = samples[:, :width]
        yield frame
