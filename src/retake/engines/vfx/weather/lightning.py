"""Lightning: when it flickers, how a bolt branches, what it looks like in the sky."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.chance import generator
from retake.engines.vfx.events import Strike
from retake.engines.vfx.weather.plate import Field

_STROKE_S = 0.05
_AFTERGLOW_S = 0.22
_SAMPLES = 6
_DETAIL = 7
_SUBPIXEL = 4


@dataclass(frozen=True)
class Bolt:
    """One bolt: lines of points in 0..1 of the picture, the trunk first, and how bright each is."""

    lines: tuple[NDArray[np.float64], ...]
    brightness: tuple[float, ...]


class Flicker:
    """How bright a strike is at a time: a leader stroke and two to four return strokes."""

    def __init__(self, strike: Strike, seed: int, number: int) -> None:
        draw = generator(seed, f"flicker {number}")
        gaps = draw.uniform(0.05, 0.13, int(draw.integers(2, 5)))
        self._starts = strike.time_s + np.concatenate([[0.0], np.cumsum(gaps)])
        later = draw.uniform(0.35, 0.95, len(gaps))
        self._powers = strike.strength * np.concatenate([[1.0], later])

    def light(self, start_s: float, end_s: float) -> float:
        """Return the mean brightness while the shutter is open, 0..about 1.3."""
        times = np.linspace(start_s, end_s, _SAMPLES)[:, None] - self._starts
        late = np.maximum(times, 0)
        shape = 0.85 * np.exp(-late / _STROKE_S) + 0.15 * np.exp(-late / _AFTERGLOW_S)
        return float((np.where(times >= 0, shape, 0) * self._powers).sum(1).mean())


def branch(seed: int, number: int, x: float, top: float, bottom: float) -> Bolt:
    """Return a bolt from (`x`, `top`) down to about `bottom`, all 0..1 of the picture."""
    draw = generator(seed, f"bolt {number}")
    lean = float(draw.normal(0, 0.06))
    trunk = _crooked(draw, (x, top), (x + lean, bottom), 0.17)
    lines, brightness = [trunk], [1.0]
    for _ in range(int(draw.integers(5, 9))):
        at = int(draw.integers(len(trunk) // 10, len(trunk) * 4 // 5))
        side = float(draw.choice([-1.0, 1.0]))
        long = float(draw.uniform(0.10, 0.32)) * (bottom - top)
        away = (trunk[at][0] + side * long * draw.uniform(0.4, 1.1), trunk[at][1] + long)
        bough = _crooked(draw, tuple(trunk[at]), away, 0.2)
        lines.append(bough[: int(draw.integers(len(bough) // 3, len(bough)))])
        brightness.append(float(draw.uniform(0.2, 0.55)))
    return Bolt(tuple(lines), tuple(brightness))


def _crooked(
    draw: np.random.Generator, start: tuple[float, ...], end: tuple[float, ...], wild: float
) -> NDArray[np.float64]:
    """Return a line broken by midpoint displacement, ``[129, 2]``."""
    points = np.array([start, end], np.float64)
    for level in range(_DETAIL):
        ends = np.diff(points, axis=0)
        across = np.stack([-ends[:, 1], ends[:, 0]], 1)
        # Big bends are gentle: a bolt wanders little from its way, but is crooked all along.
        bend = draw.normal(0, wild * (0.55 if level < 2 else 1.0), len(ends))
        middle = points[:-1] + ends / 2 + across * bend[:, None]
        merged = np.empty((len(points) + len(middle), 2))
        merged[0::2], merged[1::2] = points, middle
        points = merged
    return points


def trace(
    bolt: Bolt, size: tuple[int, int], shift: tuple[float, float], width: float
) -> NDArray[np.float32]:
    """Return the bolt as coverage ``[h, w]`` float32, 0..1.

    Args:
        bolt: What to draw.
        size: Width and height of the picture.
        shift: How far the picture has moved (right, down), in its pixels.
        width: Of the trunk, in its pixels.
    """
    plane = np.zeros(size[::-1], np.uint8)
    scale = 2**_SUBPIXEL
    for line, bright in zip(bolt.lines, bolt.brightness, strict=True):
        points = (line * size + shift) * scale
        thick = max(1, round(width * (1.0 if bright == 1.0 else 0.55)))
        whole = [np.round(points).astype(np.int32)]
        cv2.polylines(plane, whole, False, round(255 * bright), thick, cv2.LINE_AA, _SUBPIXEL)  # noqa: FBT003
    soft = cv2.GaussianBlur(plane, (0, 0), max(0.5, 0.35 * width))
    return np.clip(np.asarray(soft, np.float32) / np.float32(170), 0, 1).astype(np.float32)


def sky_column(sky: Field, x: float) -> tuple[float, float] | None:
    """Return the x nearest to `x` at which sky is seen, and how far down it reaches there.

    None where there is too little sky for a bolt to stand in.
    """
    reach = (sky > 0.6).mean(0)
    good = np.flatnonzero(reach > 0.12)
    if len(good) < 0.04 * sky.shape[1]:
        return None
    column = int(good[np.argmin(np.abs((good + 0.5) / sky.shape[1] - x))])
    # A little inside the sky: a bolt on its very border looks cut.
    inner = good[np.abs(good - column) <= sky.shape[1] // 16]
    column = int(np.round(inner.mean()))
    rows = np.flatnonzero(sky[:, column] > 0.6)
    if len(rows) == 0:
        return None
    return (column + 0.5) / sky.shape[1], float(rows[-1] + 1) / len(sky)
