"""Finding windows in walls by day, so that some can be lit by night."""

from __future__ import annotations

import cv2
import numpy as np

from retake.engines.vfx.chance import generator
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.plate import Field

_FEWEST = 5
_LIT = 0.55


class Windows:
    """Windows of a scene: dark upright rectangles that stand in rows.

    They are found in the first frame that is asked for and move with the camera from there on.
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene, self._seed = scene, seed
        self._boxes: list[tuple[int, int, int, int, float]] | None = None
        self._from = 0
        self._plan: Field = np.zeros((1, 1), np.float32)
        self._was: Field = self._plan

    def at(self, frame: int, guide: Field, sky: Field) -> Field:
        """Return how brightly windows shine in `frame`, ``[h, w]`` 0..1.

        Args:
            frame: Number in the section.
            guide: The frame's luma at a small size, ``[h, w]``.
            sky: Its sky.
        """
        if self._boxes is None:
            self._boxes = find_windows(guide, sky)
            self._from, self._was = frame, guide.copy()
            self._plan = self._paint(guide.shape)
        if not self._boxes:
            return np.zeros_like(guide)
        h, w = guide.shape
        step = self._since(frame, w / self._scene.width)
        moved = cv2.warpAffine(np.dstack([self._plan, self._was]), step, (w, h))
        # Where something else is now than was then, somebody stands in front.
        same = np.clip(1.6 - np.abs(cv2.blur(guide, (3, 3)) - moved[..., 1]) / 0.09, 0, 1)
        return (moved[..., 0] * same).astype(np.float32)

    def _paint(self, shape: tuple[int, ...]) -> Field:
        plan = np.zeros(shape, np.float32)
        draw = generator(self._seed, "windows")
        for x, y, w, h, _ in self._boxes or ():
            lit = float(draw.uniform(0.45, 1.0)) if draw.random() < _LIT else 0.0
            plan[y : y + h, x : x + w] = lit
        return plan

    def _since(self, frame: int, scale: float) -> Field:
        last = np.array([[0, 0, 1]], np.float64)
        now = np.vstack([self._scene.camera[frame], last])
        then = np.vstack([self._scene.camera[self._from], last])
        step = (now @ np.linalg.inv(then))[:2]
        step[:, 2] *= scale
        return step


def find_windows(guide: Field, sky: Field) -> list[tuple[int, int, int, int, float]]:
    """Return x, y, width, height and darkness of what looks like windows; empty when few do."""
    h, w = guide.shape
    around = cv2.blur(guide, (w // 14 | 1, w // 14 | 1))
    dark = ((around - guide > 0.07) & (sky < 0.2)).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    found: list[tuple[int, int, int, int, float]] = []
    for x, y, bw, bh, area in (tuple(int(v) for v in stats[k]) for k in range(1, count)):
        fits = 3 <= bw <= w // 14 and 3 <= bh <= h // 7 and 0.3 <= bw / bh <= 1.7
        if fits and area >= 0.68 * bw * bh and x > 0 and y > 0 and x + bw < w and y + bh < h:
            patch = np.s_[y : y + bh, x : x + bw]
            found.append((x, y, bw, bh, float((around[patch] - guide[patch]).mean())))
    rows = [box for box in found if _fellows(box, found) >= 2]
    return rows if len(rows) >= _FEWEST else []


def _fellows(
    box: tuple[int, int, int, int, float], others: list[tuple[int, int, int, int, float]]
) -> int:
    """Return how many others of like size stand in the same row or column nearby."""
    x, y, w, h, _ = box
    count = 0
    for ox, oy, ow, oh, _ in others:
        alike = 0.6 < ow / w < 1.67 and 0.6 < oh / h < 1.67
        beside = abs(oy - y) <= max(1, h // 4) and w < abs(ox - x) < 9 * w
        above = abs(ox - x) <= max(1, w // 4) and h < abs(oy - y) < 6 * h
        count += alike and (beside or above)
    return count
