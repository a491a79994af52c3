"""Keeping particles and clouds in the world while the camera moves."""

from __future__ import annotations

from retake.engines.vfx.scene.scene import Scene


class Anchor:
    """Tells how far the picture's centre has moved, in pixels of a smaller picture.

    Args:
        scene: Tells the camera's path.
        size: Width and height of the smaller picture.
    """

    def __init__(self, scene: Scene, size: tuple[int, int]) -> None:
        self._scene = scene
        self._scale = size[0] / scene.width
        self._centre = (scene.width / 2, scene.height / 2)

    def shift(self, frame: int, share: float = 1.0) -> tuple[float, float]:
        """Return by how much (right, down) what was at the centre has moved since frame 0.

        `share` less than 1 gives things that are farther away than what was tracked.
        """
        (a, b, c), (d, e, f) = self._scene.camera[frame]
        x, y = self._centre
        scale = self._scale * share
        return (a * x + b * y + c - x) * scale, (d * x + e * y + f - y) * scale

    def zoom(self, frame: int) -> float:
        """Return how much larger things are than in frame 0."""
        (a, b, _), _ = self._scene.camera[frame]
        return float((a * a + b * b) ** 0.5)
