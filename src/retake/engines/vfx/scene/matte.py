"""People in front: a soft matte from a small network, used only where the network is sure."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_ASSETS = Path(__file__).parent.parent / "assets"
_LEAST_AREA = 0.015
_MOST_AREA = 0.9
_SURE = 0.75
_STEADY = 0.8
_KEEP = 0.3
_ALONE = Lock()

Matte = NDArray[np.float32]


class PersonMatte:
    """Finds people through frames, in order.

    MediaPipe's selfie segmentation (see assets/README.md), read by OpenCV's TFLite importer.

    Args:
        width, height: Shape of the frames to come; decides which of two networks serves.
    """

    def __init__(self, width: int, height: int) -> None:
        self._landscape = width >= 1.25 * height
        self._mattes: list[Matte] = []

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height at which the network looks; frames of this size need no resizing."""
        return (256, 144) if self._landscape else (256, 256)

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take the next frame, RGB ``[h, w, 3]`` of any size."""
        blob = cv2.dnn.blobFromImage(frame, 1 / 255.0, self.input_size)
        # A network keeps its input: warming up and the first request would mix theirs.
        with _ALONE:
            net = _network(self._landscape)
            net.setInput(blob)
            seen = np.array(net.forward(), np.float32)
        found = np.clip(seen[0, 0], 0, 1)
        if self._mattes:
            found = (1 - _KEEP) * found + _KEEP * self._mattes[-1]
        self._mattes.append(np.asarray(found, np.float32))

    def result(self) -> Matte | None:
        """Return ``[n, h, w]`` float32 in 0..1 at `input_size`; None when nobody is there for sure.

        Sure means: the area is plausible in most frames, values are mostly near 0 or 1, and the
        matte stays where it is from frame to frame.
        """
        if not self._mattes:
            return None
        all_mattes = np.stack(self._mattes)
        return all_mattes if _trustworthy(all_mattes) else None


def _trustworthy(mattes: Matte) -> bool:
    inside = mattes > 0.5
    area = inside.mean(axis=(1, 2))
    plausible = (area > _LEAST_AREA) & (area < _MOST_AREA)
    if plausible.mean() < 0.6:
        return False
    touched = mattes > 0.1
    decided = float((np.abs(mattes - 0.5) * 2)[touched].mean())
    both = (inside[1:] & inside[:-1]).sum()
    either = max(1, (inside[1:] | inside[:-1]).sum())
    steady = 1.0 if len(mattes) < 2 else float(both / either)
    return decided > _SURE and steady > _STEADY


@cache
def _network(landscape: bool) -> Any:  # noqa: FBT001
    name = "selfie_segmentation_landscape" if landscape else "selfie_segmentation"
    return cv2.dnn.readNetFromTFLite(str(_ASSETS / f"{name}.tflite"))
