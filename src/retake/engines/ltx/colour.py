"""Light: HDR pictures brought into the range that the model knows, and back again.

The model was trained on SDR pictures. The signal of a PQ or HLG source (ITU-R BT.2100) is turned
into light, whose highlights are drawn together by a smooth curve, and into an SDR signal. The curve
rises everywhere, so that it can be undone: a picture that goes there and back is the same picture.
Every channel is treated alike and for itself, and the primaries stay the source's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.engines.engine import Frame, Shot

PQ, HLG = 16, 18
"""Transfer numbers of ISO/IEC 23091-2."""

WHITE_NITS = 203.0
"""Reference white of HDR in cd/m2 (ITU-R BT.2408)."""
LEAST_PEAK = 1000.0 / WHITE_NITS
"""The curve reaches at least as far as displays commonly do, in units of reference white."""

_HLG_WHITE = 0.75
_KNEE = 0.5
_GAMMA = 2.2
_CODES = 65536
_LOOKS = 5

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """One way between a source's signal and the model's, for all channels alike.

    `to_sdr` has the model's signal in 0..1 for every 16-bit value of the source; `from_sdr` the
    source's 16-bit value for every 16-bit value of the model's signal. Both are None where the
    source is SDR, and nothing is changed.
    """

    to_sdr: NDArray[np.float32] | None = field(default=None, repr=False)
    from_sdr: NDArray[np.uint16] | None = field(default=None, repr=False)
    note: str | None = None

    def signal(self, frame: Frame) -> NDArray[np.float32]:
        """Return a frame as the model's signal: float32 in 0..1, of the frame's shape."""
        if self.to_sdr is not None and frame.dtype == np.uint16:
            return self.to_sdr[frame]
        return frame.astype(np.float32) / np.float32(np.iinfo(frame.dtype).max)

    def frame(self, signal: NDArray[np.float32], dtype: np.dtype[np.generic]) -> Frame:
        """Return a signal in 0..1 as a frame of `dtype` (uint8 or uint16)."""
        deep = self.from_sdr is not None and dtype == np.uint16
        most = _CODES - 1 if deep else np.iinfo(cast("np.dtype[np.uint8]", dtype)).max
        clipped = np.clip(signal, 0, 1, dtype=np.float32)
        codes = (clipped * np.float32(most) + np.float32(0.5)).astype(np.uint16)
        if deep and self.from_sdr is not None:
            return self.from_sdr[codes]
        return cast("Frame", codes.astype(dtype))


PLAIN = Light()
"""Nothing is changed."""


def light_of(shot: Shot) -> Light:
    """Return the light of a shot; where it is HDR, some of its frames are read for the peak."""
    if shot.colour.transfer not in {PQ, HLG}:
        return PLAIN
    count = len(shot.frames)
    peak = 0
    for at in sorted({round(n * (count - 1) / (_LOOKS - 1)) for n in range(_LOOKS)}):
        shot.watch.check()
        for frame in shot.frames.read(FrameRange(at, at + 1)):
            if frame.dtype != np.uint16:
                return PLAIN
            peak = max(peak, int(frame.max()))
    return light_for(shot.colour, peak / (_CODES - 1))


def light_for(colour: Colour, peak_signal: float = 0.0) -> Light:
    """Return the light for colour tags.

    Args:
        colour: The source's tags.
        peak_signal: The brightest value that has to be kept, 0..1.
    """
    if colour.transfer not in {PQ, HLG}:
        return PLAIN
    linear = _pq_light if colour.transfer == PQ else _hlg_light
    peak = max(LEAST_PEAK, float(linear(np.array(peak_signal))) * 1.05)
    peak = min(peak, float(linear(np.array(1.0))))
    return _light(colour.transfer, round(peak, 3))


@cache
def _light(transfer: int, peak: float) -> Light:
    linear, name = {PQ: (_pq_light, "PQ"), HLG: (_hlg_light, "HLG")}[transfer]
    source = np.arange(_CODES) / (_CODES - 1)
    to_sdr = _curve(linear(source), peak)
    return Light(
        to_sdr.astype(np.float32),
        _inverse(to_sdr, source),
        f"The source is HDR ({name}): the section was made in the standard range and brought back "
        "by a smooth curve, each channel alike; tags and bit depth are the source's.",
    )


def _curve(light: Values, peak: float) -> Values:
    """Return the SDR signal of light in units of reference white: straight, then logarithmic."""
    slope = 1 / (_KNEE * (1 + np.log(peak / _KNEE)))
    above = _KNEE * slope * (1 + np.log(np.maximum(light, _KNEE) / _KNEE))
    drawn = np.where(light <= _KNEE, slope * light, above)
    return np.clip(drawn, 0, 1) ** (1 / _GAMMA)


def _inverse(to_sdr: Values, source: Values) -> NDArray[np.uint16]:
    """Return the source's 16-bit value for every 16-bit value of the SDR signal."""
    # Behind the peak the curve is level: only its first point there can be told apart.
    rising = np.concatenate([[True], np.diff(to_sdr) > 0])
    signal = np.arange(_CODES) / (_CODES - 1)
    back = np.interp(signal, to_sdr[rising], source[rising])
    return np.rint(back * (_CODES - 1)).astype(np.uint16)


def _pq_light(signal: Values) -> Values:
    """Return light in units of reference white (BT.2100-2, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = signal ** (1 / m2)
    light = np.maximum(power - c1, 0) / (c2 - c3 * power)
    return 10000 / WHITE_NITS * light ** (1 / m1)


def _hlg_light(signal: Values) -> Values:
    """Return scene light in units of that of reference white (BT.2100-2, table 5)."""
    return _hlg_scene(signal) / _hlg_scene(np.array(_HLG_WHITE))


def _hlg_scene(signal: Values) -> Values:
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
