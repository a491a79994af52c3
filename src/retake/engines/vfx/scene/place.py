"""Where an effect may stand: open ground, away from people and from whatever moves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.scene.scene import Scene

_COLUMNS = 96
_REACH = 0.17
_EDGE = 0.16
_HIGHEST, _LOWEST = 0.58, 0.77


def open_ground(scene: Scene) -> tuple[float, float]:
    """Return x and y, 0..1 of the section's first frame, for the foot of something that burns.

    The most open column wins: nobody in it, little moves there, free to a distance, not at the
    picture's edge, and less in the middle than beside it, since the subject mostly is.
    """
    busy = _busy(scene)
    x = (np.arange(_COLUMNS) + 0.5) / _COLUMNS
    edge = np.clip(1 - np.minimum(x, 1 - x) / _EDGE, 0, None) * 1.2
    middle = 0.22 * np.exp(-(((x - 0.5) / 0.12) ** 2))
    centred = 0.10 * np.abs(x - 0.5)
    cost = busy + edge + middle + centred - 0.3 * _open(scene)
    column = int(np.argmin(cost))
    return float(x[column]), foot_row(scene)


def foot_row(scene: Scene) -> float:
    """Return the row, 0..1, at which something on the ground behind the subject would stand."""
    return float(np.clip(scene.ground + 0.02, _HIGHEST, _LOWEST))


def _busy(scene: Scene) -> NDArray[np.float64]:
    """Return for each column how much happens in it, 0 (nothing) .. about 1 (most of all)."""
    moves = _motion(scene)
    people = np.zeros(_COLUMNS)
    if scene.matte is not None:
        profile = scene.matte.max(axis=1).mean(axis=0)
        people = np.interp(np.linspace(0, 1, _COLUMNS), np.linspace(0, 1, len(profile)), profile)
    busy = 0.8 * moves + people
    sigma = _REACH * _COLUMNS / 2
    row = cv2.GaussianBlur(busy.reshape(1, -1), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(row, np.float64).ravel()


def _motion(scene: Scene) -> NDArray[np.float64]:
    """Return how much each column differs from the scene's steady look, the camera taken out."""
    frames = scene.previews
    if len(frames) < 2:
        return np.zeros(_COLUMNS)
    h, w = frames[0].shape[:2]
    scale = w / scene.width
    picked = range(0, len(frames), max(1, len(frames) // 24))
    steady: list[NDArray[np.float32]] = []
    for index in picked:
        matrix = np.array(scene.camera[index], np.float64)
        matrix[:, 2] *= scale
        gray = cv2.cvtColor(np.asarray(frames[index]), cv2.COLOR_RGB2GRAY)
        back = cv2.warpAffine(
            gray,
            matrix,
            (w, h),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        steady.append(np.asarray(back, np.float32))
    spread = np.stack(steady).std(axis=0) / 40.0
    profile = np.minimum(spread, 1).mean(axis=0)
    wide = np.interp(np.linspace(0, 1, _COLUMNS), np.linspace(0, 1, w), profile)
    return wide / max(float(wide.max()), 0.05)


def _open(scene: Scene) -> NDArray[np.float64]:
    """Return for each column how far one can see just above the ground, 0 (near) .. 1 (far)."""
    h, w = scene.depth.shape
    foot = max(2, round(foot_row(scene) * h))
    band = scene.depth[max(0, foot - max(1, h // 4)) : foot]
    return np.interp(np.linspace(0, 1, _COLUMNS), np.linspace(0, 1, w), band.mean(axis=0))
