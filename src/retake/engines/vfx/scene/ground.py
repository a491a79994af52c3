"""Finding the ground: how far up the picture it reaches."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_USUAL = 0.72
_RANGE = (0.42, 0.9)


def ground_of(preview: NDArray[np.uint8], sky: NDArray[np.float32]) -> float:
    """Return the row at which the ground meets what stands on it, 0..1 of the height.

    Seen from the bottom the ground keeps one colour; the row is where most columns leave it. Below
    a visible horizon it is the horizon plus a fifth of the way down.
    """
    h = len(preview)
    soft = cv2.GaussianBlur(preview, (0, 0), 1.5)
    lab = np.asarray(cv2.cvtColor(soft, cv2.COLOR_RGB2LAB), np.float32)
    lab[..., 0] *= 0.5
    floor = np.median(lab[int(h * 0.88) :].reshape(-1, 3), axis=0)
    unlike = np.abs(lab - floor).sum(2)
    # How far each column stays ground, counted from the bottom; brief shadows are forgiven.
    same = cv2.blur((unlike < 38).astype(np.float32), (1, 5)) > 0.5
    run = np.cumprod(same[::-1], axis=0).sum(0)
    reach = 1 - float(np.percentile(run, 60)) / h
    horizon = _horizon(sky)
    if horizon is not None:
        reach = max(reach, horizon + 0.2 * (1 - horizon))
    if float(np.mean(run > 0.06 * h)) < 0.4:
        reach = _USUAL if horizon is None else max(_USUAL, reach)
    return float(np.clip(reach, *_RANGE))


def _horizon(sky: NDArray[np.float32]) -> float | None:
    """Return the lowest row that is sky in a good share of its width, 0..1; None without sky."""
    rows = np.flatnonzero((sky > 0.5).mean(1) > 0.15)
    return None if len(rows) == 0 else float(rows[-1] + 1) / len(sky)
