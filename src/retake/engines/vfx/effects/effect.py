"""What every effect is: a way to prepare layers that draw onto frames."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retake.core.watch import Watch
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.scene import Scene

Picture = NDArray[np.uint16]
"""One RGB picture ``[H, W, 3]`` inside `vfx`: display-referred (sRGB curve), 0..65535.

8-bit sources are scaled by 257 on the way in and rounded back on the way out, so a pixel that no
layer touches comes out exactly as it went in.
"""


class Layer(Protocol):
    """One effect, prepared for one section."""

    def draw(self, picture: Picture, frame: int) -> Picture:
        """Return `picture` with this effect at the section's `frame` (0 is the first) drawn in.

        Frames are drawn in ascending order, each once. Where the effect is not, pixels keep their
        exact values. The argument may be changed in place and returned.
        """
        ...


class Effect(Protocol):
    """Prepares layers. One implementation a file."""

    name: str
    """As in `plan.VISUALS`."""

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Simulate whatever can be known before the first frame is drawn.

        Same cue, scene and seed give the same layer, bit for bit. Calls `watch.check()` at least
        once a simulation step.

        Raises:
            Cancelled: The watch was cancelled.
        """
        ...
