"""Where one shot ends and the next begins, and where a shot fades to or from black."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.scene.scene import Scene

_JUMP = 18.0
_TIMES_USUAL = 5.0
_TIMES_BEFORE = 2.5
_BLACK = 9.0
_FADING = 0.8


def cuts(scene: Scene) -> NDArray[np.bool_]:
    """Return for each frame whether a shot begins with it, ``[n]``; the first one always does.

    A cut is a change of the whole picture that is both large and sudden.
    """
    small = _small(scene)
    change = np.zeros(len(small))
    change[1:] = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))
    usual = float(np.median(change[1:])) + 1.0 if len(small) > 1 else 1.0
    # The lesser of two, so that a flash does not hide the way back from it.
    before = np.minimum(np.roll(change, 1), np.roll(change, 2))
    before[:2] = 0
    cut = (change > _JUMP) & (change > _TIMES_USUAL * usual) & (change > _TIMES_BEFORE * before)
    cut[:1] = True
    return cut


def shot_end(scene: Scene, first: int) -> int:
    """Return the first frame after `first` that belongs to another shot, else the frames' number.

    A black frame ends a shot as well.
    """
    ends = cuts(scene) | (_small(scene).max(axis=(1, 2, 3)) < _BLACK)
    found = np.flatnonzero(ends[first + 1 :])
    return first + 1 + int(found[0]) if len(found) else len(scene)


def light_left(scene: Scene) -> NDArray[np.float64]:
    """Return how much of its shot's usual light is left in each frame, ``[n]`` 0..1.

    1 in ordinary frames, 0 in black ones; less than 1 where a shot fades to or from black, so that
    light which an effect adds to the shot fades with it.
    """
    bright = _brightest(scene)
    starts = [int(k) for k in np.flatnonzero(cuts(scene))] + [len(scene)]
    left = np.ones(len(scene))
    for start, end in pairwise(starts):
        left[start:end] = _left(bright[start:end], bright[start:end])
    return left * (bright > _BLACK)


def fades(scene: Scene, first: int) -> NDArray[np.float64]:
    """Return for each frame how much of the light of the shot around `first` is left, 0..1.

    For what shines by itself and may stand in black: unlike `light_left` it stays 1 in a shot that
    is black all along.
    """
    bright = _brightest(scene)
    end = max(first + 1, shot_end(scene, first))
    return _left(bright, bright[first:end])


def _left(bright: NDArray[np.float64], shot: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of a shot's usual brightness, in linear light; 1 unless clearly less."""
    usual = float(np.percentile(shot, 80))
    return np.minimum(1, (bright + 1) / (_FADING * usual + 1)) ** 2.2


def _brightest(scene: Scene) -> NDArray[np.float64]:
    """Return how bright the brightest parts of each frame are, ``[n]`` 0..255."""
    return np.array([np.percentile(p, 99) for p in scene.previews], np.float64)


def _small(scene: Scene) -> NDArray[np.float32]:
    """Return the previews thinned out, ``[n, h, w, 3]``."""
    return np.stack([np.asarray(p, np.float32)[::4, ::4] for p in scene.previews])
