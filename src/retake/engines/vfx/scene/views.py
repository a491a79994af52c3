"""Sky and depth of every frame of a section, steady from frame to frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.scene.cuts import cuts
from retake.engines.vfx.scene.depth import depth_of
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.scene.sky import sky_of

_SETTLE_S = 0.25


class Views:
    """Gives sky and depth of one frame after the other; frames are asked for in ascending order.

    What moves in the picture is looked at anew in every frame; what was there before is carried
    along with the camera and mixed in, so that guesses do not flicker.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._cuts = cuts(scene)
        self._frame = -1
        self._now: NDArray[np.float32] | None = None

    def at(self, frame: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return sky and depth of `frame`, ``[h, w]`` float32 each, at the previews' size."""
        fresh = self._look(frame)
        carried = self._carry(frame)
        if carried is not None:
            fresh += (carried - fresh) * np.float32(self._inertia(frame))
        self._now, self._frame = fresh, frame
        return fresh[..., 0], fresh[..., 1]

    def _look(self, frame: int) -> NDArray[np.float32]:
        preview = np.asarray(self._scene.previews[frame])
        matte = None if self._scene.matte is None else self._scene.matte[frame]
        sky = sky_of(preview)
        return np.dstack([sky, depth_of(preview, sky, matte)]).astype(np.float32)

    def _carry(self, frame: int) -> NDArray[np.float32] | None:
        """Return what was known one frame before, moved with the camera; None after a cut."""
        if self._now is None or self._frame != frame - 1 or self._cuts[frame]:
            return None
        h, w = self._now.shape[:2]
        step = camera_step(self._scene, frame, w / self._scene.width)
        moved = cv2.warpAffine(self._now, step, (w, h), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)

    def _inertia(self, frame: int) -> float:
        passed_s = float(self._scene.times_s[frame] - self._scene.times_s[frame - 1])
        return float(np.exp(-passed_s / _SETTLE_S))


def camera_step(scene: Scene, frame: int, scale: float) -> NDArray[np.float64]:
    """Return the similarity from the frame before to `frame`, in pixels `scale` of full size."""
    last = np.array([[0, 0, 1]], np.float64)
    now = np.vstack([scene.camera[frame], last])
    before = np.vstack([scene.camera[frame - 1], last])
    step = (now @ np.linalg.inv(before))[:2]
    step[:, 2] *= scale
    return step
