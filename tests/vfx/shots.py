"""Small scenes for tests of effects: a meadow under a sky, made of numbers."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.scene.scene import Scene


def meadow(width: int = 128, height: int = 72) -> np.ndarray:
    """Return one 16-bit picture: sky above, ground below, a little texture on both."""
    rows = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([0.55, 0.65, 0.85])
    ground = np.array([0.35, 0.45, 0.2])
    grain = np.random.default_rng(1).normal(0, 0.03, (height, width, 3))
    picture = np.where(rows < 0.5, sky, ground) * (0.8 + 0.2 * rows) + grain
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint16) * 257


def scene(
    width: int = 128,
    height: int = 72,
    seconds: float = 2.0,
    fps: float = 12.0,
    times: np.ndarray | None = None,
    matte: np.ndarray | None = None,
    pictures: np.ndarray | None = None,
) -> Scene:
    """Return a scene with a resting camera."""
    at = np.arange(round(seconds * fps)) / fps if times is None else times
    n = len(at)
    small = (meadow(32, 18) // 257).astype(np.uint8)
    return Scene(
        width=width,
        height=height,
        times_s=np.asarray(at, np.float64),
        duration_s=seconds,
        camera=np.repeat(np.eye(3)[None, :2], n, axis=0),
        matte=matte,
        ground=0.7,
        sky=np.repeat(np.linspace(1, 0, 9, dtype=np.float32)[:, None], 16, axis=1),
        depth=np.repeat(np.linspace(1, 0, 9, dtype=np.float32)[:, None], 16, axis=1),
        luma=np.full(n, 0.5, np.float32),
        previews=np.repeat(small[None], n, axis=0) if pictures is None else pictures,
    )
