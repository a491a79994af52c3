"""The layer that explosion, fire and smoke share: runs a fluid, looks at it, puts it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.core.watch import Watch
from retake.engines.vfx.chance import generator
from retake.engines.vfx.effects.effect import Picture
from retake.engines.vfx.render.compose import Plate, compose
from retake.engines.vfx.render.front import front_of
from retake.engines.vfx.render.light import light_up
from retake.engines.vfx.render.look import Look, in_light_of
from retake.engines.vfx.render.march import march, view_of
from retake.engines.vfx.render.moment import Moment
from retake.engines.vfx.render.palette import fire_palette
from retake.engines.vfx.render.sparks import Shards, Sparks
from retake.engines.vfx.render.stand import Stand, buffer_map, cropped, stand_at
from retake.engines.vfx.render.surround import Glare, shake_at, small_luma, surround
from retake.engines.vfx.scene.cuts import fades, shot_end
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.sim.burn import Burn
from retake.engines.vfx.sim.noise import even_grain, noise_cube

_BUFFER_ROWS = 360
_FADED = 0.35
_FRAY = 0.035
_LEAST_SHOT_S = 1.0

Buffer = NDArray[np.float32]


class VolumeLayer:
    """Draws one burning or smoking thing. Frames come in ascending order.

    Args:
        scene: The shot's facts.
        burn: Runs the fluid.
        moments: Tells how the effect is at a time (seconds from the section's start).
        look: How the gas looks in daylight.
        place: Foot, 0..1 of the first frame.
        size: Size of one unit, 1 being the picture's height.
        seed: Draws grain, noise and shaking.
        watch: Asked before every frame and every step.
        tint: Linear RGB of the fire; None for natural.
    """

    def __init__(
        self,
        scene: Scene,
        burn: Burn,
        moments: Callable[[float], Moment],
        look: Look,
        place: tuple[float, float],
        size: float,
        seed: int,
        watch: Watch,
        tint: tuple[float, float, float] | None = None,
    ) -> None:
        self._scene, self._burn, self._moments = scene, burn, moments
        self._place, self._size, self._watch, self._tint = place, size, watch, tint
        self._look = in_light_of(scene, look)
        self._palette = fire_palette(tint)
        rng = generator(seed, "grain")
        grain = even_grain(int(rng.integers(1 << 30)))
        # Half a step of jitter: enough to hide the steps, and fire keeps its surface.
        self._jitter = np.float32(0.25) + np.float32(0.5) * grain
        self._dither = grain.T - np.float32(0.5)
        self._noise = noise_cube(int(rng.integers(1 << 30)))
        self._knocks = rng.normal(size=(len(scene), 3))
        self.sparks: Sparks | None = None
        self.shards: Shards | None = None
        self._last_s: float | None = None
        first = int(np.searchsorted(scene.times_s, burn.begin_s - 1e-6))
        first = min(first, len(scene) - 1)
        self._dimmed = fades(scene, first)
        self._end = self._last_frame(first)

    def _last_frame(self, first: int) -> int:
        """Return where the effect stops: with its shot, unless that is over at once."""
        end = shot_end(self._scene, first)
        if end < len(self._scene):
            lasts_s = float(self._scene.times_s[end] - self._scene.times_s[first])
            if lasts_s >= _LEAST_SHOT_S:
                return end
        return len(self._scene)

    def draw(self, picture: Picture, frame: int) -> Picture:
        """Return `picture` with the effect in it. See `effects.effect.Layer`."""
        self._watch.check()
        time_s = float(self._scene.times_s[frame])
        if frame >= self._end or not self._burn.begin_s <= time_s < self._burn.end_s:
            return picture
        tau = self._burn.advance(time_s, self._watch)
        moment = self._moments(time_s)
        if moment.fade <= 0:
            return picture
        stand = stand_at(self._scene, self._place, self._size, frame)
        seen = self._look_at(moment, stand, tau)
        if seen is None:
            return picture
        return self._put_in(picture, frame, moment, stand, *seen)

    def _look_at(
        self, moment: Moment, stand: Stand, tau: float
    ) -> tuple[Buffer, NDArray[np.float32]] | None:
        """Return the effect's buffer and its place; None where there is nothing to see."""
        state = self._burn.fluid.state
        look = replace(self._look, bright=self._look.bright * moment.bright)
        lit = light_up(state, look.density)
        if lit is None:
            return None
        pixels_per_cell = min(stand.unit, _BUFFER_ROWS) / self._burn.cells
        size = (self._scene.width, self._scene.height)
        view = cropped(view_of(state, pixels_per_cell), stand, self._burn.cells, size)
        if view is None:
            return None
        buffer = march(
            state,
            lit,
            look,
            view,
            self._noise,
            self._palette,
            self._jitter,
            tau=tau,
            glow=moment.glow,
            thin=moment.thin,
            risen=moment.risen * self._burn.cells,
            fray=_FRAY * self._burn.cells,
        )
        if moment.fade < 1:  # thin parts go first, so it dissolves rather than fades
            left = (buffer[..., 3:4] - np.float32((1 - moment.fade) * 0.9)) / np.float32(_FADED)
            buffer = buffer * (np.clip(left, 0, 1) * np.float32(moment.fade))
        buffer = np.asarray(cv2.GaussianBlur(buffer, (0, 0), 0.6), np.float32)
        return buffer, buffer_map(stand, view, self._burn.cells)

    def _put_in(
        self,
        picture: Picture,
        frame: int,
        moment: Moment,
        stand: Stand,
        buffer: Buffer,
        to_buffer: NDArray[np.float32],
    ) -> Picture:
        height, width = picture.shape[:2]
        time_s = float(self._scene.times_s[frame])
        dimmed = float(self._dimmed[frame])
        if dimmed < 1:  # the shot fades to black: so does what stands in it
            buffer[..., :3] *= np.float32(dimmed)
        dt = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        if self.shards is not None:
            self.shards.draw(moment.te, dt, stand, buffer, to_buffer)
        sparks = np.zeros((1, 1), np.uint8)
        if self.sparks is not None:
            sparks = self.sparks.draw(
                moment.te, dt, (width, height), stand, buffer, to_buffer, moment.fade
            )
        matte = self._scene.matte
        front = None if matte is None else front_of(matte[frame], picture)
        field = self._field(picture, front, buffer, to_buffer, stand, moment, frame)
        shakes = moment.shake * np.exp(-moment.te / 0.45) > 2e-4
        knock = self._knocks[frame]
        plate = Plate(
            buffer=buffer,
            to_buffer=to_buffer,
            field=field,
            front=np.zeros((1, 1), np.float32) if front is None else front,
            sparks=sparks,
            shake=shake_at(moment.te, moment.shake, knock, (width, height)) if shakes else None,
            exposure=moment.exposure,
        )
        return compose(picture, plate, self._dither)

    def _field(
        self,
        picture: Picture,
        front: Buffer | None,
        buffer: Buffer,
        to_buffer: NDArray[np.float32],
        stand: Stand,
        moment: Moment,
        frame: int,
    ) -> NDArray[np.float32]:
        """Return the compositor's field."""
        luma = small_luma(picture)
        h, w = luma.shape
        scale = picture.shape[0] / h
        glowing = _seen_small(buffer, to_buffer, (w, h), scale)
        if front is not None:
            shrunk = cv2.resize(front, (w, h), interpolation=cv2.INTER_AREA)
            front = np.asarray(shrunk, np.float32)
            glowing = glowing * (1 - front)[..., None]
        light = float(glowing.mean()) * 16 / 9 * h / max(w, 1)
        glare = Glare(
            power=min(moment.power * light, moment.most),
            flash=moment.flash * float(self._dimmed[frame]),
            ring=moment.ring,
            ring_strength=moment.ring_strength,
            haze=moment.haze,
            shade=moment.shade,
            fade=moment.fade,
            time_s=float(self._scene.times_s[frame]),
            tint=self._tint,
        )
        return surround(luma, front, glowing, stand, scale, glare)


def _seen_small(
    buffer: Buffer, to_buffer: NDArray[np.float32], size: tuple[int, int], scale: float
) -> NDArray[np.float32]:
    """Return the buffer's light as it falls on the small field, ``[h, w, 3]``, at most 5."""
    ax, bx, ay, by = (float(v) for v in to_buffer)
    to_source = np.array(
        [[ax * scale, 0, bx + ax * (scale - 1) / 2], [0, ay * scale, by + ay * (scale - 1) / 2]]
    )
    # Reading one pixel of many would flicker: blur by what one pixel of the field covers.
    covers = max(1e-3, 0.4 * ax * scale)
    light = np.minimum(buffer[..., :3], np.float32(5.0))
    if covers > 0.5:
        light = cv2.GaussianBlur(light, (0, 0), covers)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(light), to_source, size, flags=flags), np.float32
    )
