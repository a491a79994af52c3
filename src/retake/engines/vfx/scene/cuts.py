"""Where one shot ends and the next begins, and where a shot fades to black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.scene.scene import Scene

_JUMP = 18.0
_TIMES_USUAL = 5.0
_DARK = 9.0
_FADING = 0.8


def shot_end(scene: Scene, first: int) -> int:
    """Return the first frame after `first` that belongs to another shot, else the frames' number.

    A cut is a change of the whole picture that is both large and sudden; a black frame ends a
    shot as well.
    """
    small = _small(scene)
    if len(small) < 3:
        return len(small)
    change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))
    usual = float(np.median(change)) + 1.0
    before = np.concatenate([[0.0], change[:-1]])
    cut = (change > _JUMP) & (change > _TIMES_USUAL * usual) & (change > 2.5 * before)
    black = (small.max(axis=(1, 2, 3)) < _DARK)[1:]
    found = np.flatnonzero((cut | black)[first:])
    return first + 1 + int(found[0]) if len(found) else len(small)


def fades(scene: Scene, first: int) -> NDArray[np.float64]:
    """Return for each frame how much of the light of the shot around `first` is left, 0..1.

    Measured by the brightest parts, in linear light; 1 unless they are clearly dimmed, so that
    whatever is put into the shot fades with it.
    """
    small = _small(scene)
    bright = np.percentile(small.reshape(len(small), -1), 99, axis=1) + 1.0
    end = max(first + 1, shot_end(scene, first))
    usual = float(np.percentile(bright[first:end], 80))
    return np.minimum(1.0, bright / (usual * _FADING)) ** 2.2


def _small(scene: Scene) -> NDArray[np.float32]:
    """Return the previews thinned out, ``[n, h, w, 3]``."""
    return np.stack([np.asarray(p, np.float32)[::4, ::4] for p in scene.previews])
