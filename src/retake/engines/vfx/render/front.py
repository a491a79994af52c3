"""What stands in front: the small matte sharpened along the picture's own edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.effects.effect import Picture

_WIDEST = 960
_SMOOTH = 4e-4

Plane = NDArray[np.float32]


def front_of(matte: Plane, picture: Picture) -> Plane:
    """Return `matte` refined by a guided filter (He et al. 2010), at most 960 pixels wide, 0..1.

    Args:
        matte: ``[h, w]`` float32 in 0..1 for this frame, of any size.
        picture: The frame itself.
    """
    h, w = picture.shape[:2]
    factor = min(1.0, _WIDEST / max(w, h))
    size = (max(2, round(w * factor)), max(2, round(h * factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    guide = np.asarray(small.astype(np.float32).mean(axis=2) / 65535, np.float32)
    rough = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_LINEAR), np.float32)
    edge = max(5, (size[1] // 40) | 1)

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (edge, edge)), np.float32)

    mean_guide, mean_rough = mean(guide), mean(rough)
    spread = mean(np.square(guide)) - mean_guide * mean_guide
    slope = (mean(np.multiply(guide, rough)) - mean_guide * mean_rough) / (
        spread + np.float32(_SMOOTH)
    )
    slope = np.asarray(slope, np.float32)
    rest = np.asarray(mean_rough - slope * mean_guide, np.float32)
    fine = mean(slope) * guide + mean(rest)
    return np.ascontiguousarray(np.clip((fine - 0.25) / 0.5, 0, 1), np.float32)
