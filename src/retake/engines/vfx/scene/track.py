"""How the camera moves: a similarity (shift, turn, zoom) for every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

_POINTS = 300
_FEW = 40
_LEAST = 12
_FIT_PX = 1.5
_STRAY_PX = 6.0
_AGREE = 0.35
_STILL_PX = 0.25

Similarity = NDArray[np.float64]


@dataclass
class _Key:
    """Points chosen in one frame, where they are now, and where that frame's scene lies."""

    chosen: NDArray[np.float32]
    now: NDArray[np.float32]
    to_first: Similarity


class CameraTrack:
    """Follows the scene through small frames, in order; robust against what moves in it.

    Points are followed from a key frame for as long as enough of them are seen, so a path does not
    drift while the view lasts. Where nothing can be followed (darkness, flat colour, a cut) the
    camera counts as standing still.
    """

    def __init__(self) -> None:
        self._previous: NDArray[np.uint8] | None = None
        self._key: _Key | None = None
        self._path: list[Similarity] = []

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take the next frame, RGB ``[h, w, 3]``, best 320 to 640 pixels wide, all of one size."""
        gray = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._previous is None:
            self._path.append(np.eye(3))
        else:
            self._path.append(self._follow(self._previous, gray))
        if self._key is None or len(self._key.now) < _FEW:
            self._key = _choose(gray, self._path[-1])
        self._previous = gray

    def path(self, scale: float) -> NDArray[np.float64]:
        """Return ``[n, 2, 3]``: the first frame's pixels to each frame's, `scale` times as many."""
        out = np.array([matrix[:2] for matrix in self._path]).reshape(-1, 2, 3)
        out[:, :, 2] *= scale
        return out

    def _follow(self, previous: NDArray[np.uint8], gray: NDArray[np.uint8]) -> Similarity:
        last = self._path[-1]
        key = self._key
        if key is None or len(key.now) < _LEAST:
            return last
        size = {"winSize": (17, 17), "maxLevel": 3}
        moved, seen, _ = cv2.calcOpticalFlowPyrLK(previous, gray, key.now, None, **size)  # type: ignore[call-overload]
        good = np.asarray(seen).ravel() == 1
        chosen, now = key.chosen[good], np.asarray(moved, np.float32)[good]
        if len(now) < _LEAST:
            self._key = None
            return last
        fit, inliers = cv2.estimateAffinePartial2D(chosen, now, ransacReprojThreshold=_FIT_PX)
        # OpenCV's stubs hide that it returns None where it finds nothing.
        if cast(object, fit) is None or float(np.mean(inliers)) < _AGREE:
            self._key = None
            return last
        step = np.vstack([fit, [0, 0, 1]])
        off = np.linalg.norm(chosen @ fit[:, :2].T + fit[:, 2] - now, axis=1)
        key.chosen, key.now = chosen[off < _STRAY_PX], now[off < _STRAY_PX]
        found = step @ key.to_first
        return last if _same(found, last, gray.shape) else found


def _choose(gray: NDArray[np.uint8], to_first: Similarity) -> _Key | None:
    points = cv2.goodFeaturesToTrack(gray, _POINTS, 0.01, 8)
    if cast(object, points) is None:
        return None
    flat = np.asarray(points, np.float32).reshape(-1, 2)
    return _Key(flat, flat.copy(), to_first)


def _same(a: Similarity, b: Similarity, shape: tuple[int, ...]) -> bool:
    """Return whether two similarities agree to less than the noise of following points."""
    h, w = shape[:2]
    corners = np.array([[0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1]], np.float64).T
    return float(np.abs((a - b) @ corners).max()) < _STILL_PX
