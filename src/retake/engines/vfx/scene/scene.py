"""The scene: what effects need to know of a shot, gathered once in a single pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scene:
    """Facts about the section's frames. Arrays run over the section's frames, handles left out.

    Attributes:
        width, height: Size of the upright frames in pixels.
        times_s: When each frame appears, seconds from the section's start, ``[n]`` float64.
        duration_s: Length of the section in seconds.
        camera: For each frame the similarity that takes a point of the section's first frame
            (pixels, full size) to the same point of the scene in that frame, ``[n, 2, 3]`` float64.
        matte: For each frame how much of a pixel is a person in front, at a small size,
            ``[n, h, w]`` float32 in 0..1; None when nobody was found with confidence.
        ground: Row at which the ground meets what stands on it, 0..1 of the height.
        sky: How much of a pixel of the first frame is sky, small size, ``[h, w]`` float32, 0..1.
        depth: How far a pixel of the first frame is, small size, ``[h, w]`` float32, 0 (near) ..
            1 (far): a guess from the picture's layout, good enough for haze.
        luma: Mean display-referred luma of each frame, ``[n]`` float32, 0..1.
        previews: Small RGB frames, ``[n, h, w, 3]`` uint8 (about 160 pixels wide).
    """

    width: int
    height: int
    times_s: NDArray[np.float64]
    duration_s: float
    camera: NDArray[np.float64]
    matte: NDArray[np.float32] | None
    ground: float
    sky: NDArray[np.float32]
    depth: NDArray[np.float32]
    luma: NDArray[np.float32]
    previews: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.times_s)
