"""Looking at the section once, from its first frame to its last: the shot becomes a Scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.core.errors import EngineFailed
from retake.core.watch import Stage
from retake.engines.engine import Frame, Shot
from retake.engines.vfx.scene.depth import depth_of
from retake.engines.vfx.scene.ground import ground_of
from retake.engines.vfx.scene.matte import PersonMatte
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.scene.sky import sky_of
from retake.engines.vfx.scene.track import CameraTrack

_TRACKED_LONG_SIDE = 480
_PREVIEW_WIDTH = 160
_LUMA = np.array([0.2126, 0.7152, 0.0722])


def gather(shot: Shot) -> Scene:
    """Return what effects need to know of `shot`'s section.

    Raises:
        EngineFailed: The section's frames could not all be read.
        Cancelled: The shot's watch was cancelled.
    """
    width, height = shot.frames.width, shot.frames.height
    small = _fit(width, height, _TRACKED_LONG_SIDE)
    preview_size = _fit_width(width, height, _PREVIEW_WIDTH)
    camera, people = CameraTrack(), PersonMatte(width, height)
    previews: list[NDArray[np.uint8]] = []
    count = len(shot.section)
    for frame in shot.frames.read(shot.section):
        shot.watch.progress(Stage.GENERATE, len(previews), 2 * count)
        look = shrink(frame, small)
        camera.add(look)
        people.add(look)
        previews.append(shrink(look, preview_size))
    if len(previews) != count:
        raise EngineFailed(
            "frames_missing", f"{len(previews)} of the section's {count} frames could be read"
        )
    stacked = np.stack(previews)
    matte = people.result()
    sky = sky_of(stacked[0])
    times = [float(shot.times[at]) for at in range(shot.section.start, shot.section.end)]
    return Scene(
        width=width,
        height=height,
        times_s=np.array(times, np.float64),
        duration_s=float(shot.duration),
        camera=camera.path(max(width, height) / max(small)),
        matte=matte,
        ground=_ground(stacked),
        sky=sky,
        depth=depth_of(stacked[0], sky, None if matte is None else matte[0]),
        luma=(stacked.mean(axis=(1, 2), dtype=np.float64) @ _LUMA / 255).astype(np.float32),
        previews=stacked,
    )


def shrink(frame: Frame, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return `frame` as 8-bit RGB of `size` (width, height)."""
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    scale = 1 if frame.dtype == np.uint8 else 256
    return np.asarray(np.asarray(small) // scale, np.uint8)


def _ground(previews: NDArray[np.uint8]) -> float:
    """Return the median of what five frames over the section say."""
    picks = np.linspace(0, len(previews) - 1, 5).astype(int)
    return float(np.median([ground_of(previews[k], sky_of(previews[k])) for k in picks]))


def _fit(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _fit_width(width: int, height: int, wanted: int) -> tuple[int, int]:
    scale = min(1.0, wanted / width)
    return max(1, round(width * scale)), max(1, round(height * scale))
