"""Channels and rates of sound: whatever the source has, to the model's stereo and back.

Down: ITU-R BS.775, centre and surround at -3 dB, no low-frequency channel. Back: the stereo that
was made is spread over the source's speakers so that mixing it down again gives exactly the same
stereo. How much of it goes to the centre, the surrounds and the low-frequency channel is measured
on the source's own sound around the section, so that speech stays where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, firwin, resample_poly, sosfilt

Sound = NDArray[np.float32]
Values = NDArray[np.float64]

_DEFAULTS = {
    1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1",
}  # fmt: skip
"""FFmpeg's layout of so many channels where a file names none."""

SPEAKERS: dict[str, tuple[str, ...]] = {
    "mono": ("FC",),
    "stereo": ("FL", "FR"),
    "downmix": ("FL", "FR"),
    "2.1": ("FL", "FR", "LFE"),
    "3.0": ("FL", "FR", "FC"),
    "3.0(back)": ("FL", "FR", "BC"),
    "3.1": ("FL", "FR", "FC", "LFE"),
    "4.0": ("FL", "FR", "FC", "BC"),
    "4.1": ("FL", "FR", "FC", "LFE", "BC"),
    "quad": ("FL", "FR", "BL", "BR"),
    "quad(side)": ("FL", "FR", "SL", "SR"),
    "5.0": ("FL", "FR", "FC", "BL", "BR"),
    "5.0(side)": ("FL", "FR", "FC", "SL", "SR"),
    "5.1": ("FL", "FR", "FC", "LFE", "BL", "BR"),
    "5.1(side)": ("FL", "FR", "FC", "LFE", "SL", "SR"),
    "6.0": ("FL", "FR", "FC", "BC", "SL", "SR"),
    "6.1": ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    "6.1(back)": ("FL", "FR", "FC", "LFE", "BL", "BR", "BC"),
    "7.0": ("FL", "FR", "FC", "BL", "BR", "SL", "SR"),
    "7.1": ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
    "7.1(wide)": ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC"),
    "7.1(wide-side)": ("FL", "FR", "FC", "LFE", "FLC", "FRC", "SL", "SR"),
}
"""FFmpeg's layouts of up to eight channels, in the order in which they are stored."""

_HALF = 2**-0.5
_GAINS = {
    "FL": (1.0, 0.0), "FR": (0.0, 1.0), "FC": (_HALF, _HALF), "LFE": (0.0, 0.0),
    "BL": (_HALF, 0.0), "BR": (0.0, _HALF), "SL": (_HALF, 0.0), "SR": (0.0, _HALF),
    "BC": (0.5, 0.5), "FLC": (1.0, 0.0), "FRC": (0.0, 1.0),
}  # fmt: skip
_PAIRS = (("BL", "BR"), ("SL", "SR"))
_LOW_HZ = 120
_TAPS = 48
_SILENCE = 1e-5


def speakers(layout: str, channels: int) -> tuple[str, ...]:
    """Return the speakers of the channels, in their order.

    A layout that is not known, or does not have so many channels, counts as FFmpeg's usual one;
    channels beyond eight have no speaker (``"?"``).
    """
    named = SPEAKERS.get(layout, ())
    if len(named) != channels:
        named = SPEAKERS[_DEFAULTS[channels]] if channels in _DEFAULTS else ("FL", "FR")
    return (*named, *("?" for _ in range(channels - len(named))))


def to_stereo(samples: Sound, layout: str = "") -> Sound:
    """Return ``[channels, samples]`` as stereo ``[2, samples]``.

    Mono comes out of both sides as it is. Nothing is turned down: a sum may exceed full scale.
    """
    if samples.shape[0] == 1:
        return np.repeat(samples, 2, axis=0)
    return np.tensordot(_downmix(speakers(layout, samples.shape[0])), samples, 1).astype(np.float32)


def from_stereo(made: Sound, context: Sound, layout: str = "", rate: int = 48000) -> Sound:
    """Return stereo ``[2, samples]`` spread over the source's speakers.

    Args:
        made: The section's new sound.
        context: The source's own sound around the section, ``[channels, any]``.
        layout: FFmpeg's name of the source's layout.
        rate: Samples a second.

    Returns:
        ``[channels, samples]``, whose mix to stereo is `made` again; mono is the mean of both.
    """
    channels = context.shape[0]
    stereo = made.astype(np.float64)
    if channels == 1:
        return stereo.mean(axis=0, keepdims=True).astype(np.float32)
    names = speakers(layout, channels)
    old = dict(zip(names, context.astype(np.float64), strict=True))
    middle, side = (stereo[0] + stereo[1]) / 2, (stereo[0] - stereo[1]) / 2
    out: dict[str, Values] = {"FL": stereo[0].copy(), "FR": stereo[1].copy()}
    if "FC" in names:
        share = _centre_share(old)
        out["FC"] = share * middle / _HALF
        out["FL"] -= share * middle
        out["FR"] -= share * middle
    for left, right in _PAIRS:
        if left in names:
            share = _side_share(old, left, right)
            out[left], out[right] = share * side, -share * side
            out["FL"] -= _HALF * share * side
            out["FR"] += _HALF * share * side
    if "LFE" in names:
        out["LFE"] = _low(middle, old, rate)
    silent = np.zeros(made.shape[1])
    return np.stack([out.get(name, silent) for name in names]).astype(np.float32)


def resampled(samples: Sound, rate_in: int, rate_out: int, length: int | None = None) -> Sound:
    """Return sound at another rate; its first sample stays where it is.

    Args:
        samples: ``[channels, samples]``.
        rate_in: Its samples a second.
        rate_out: Those that are wanted.
        length: How many samples are wanted: what is missing is silence. As many as the time takes,
            rounded, when None.
    """
    wanted = round(Fraction(samples.shape[1]) * rate_out / rate_in) if length is None else length
    made = samples if rate_in == rate_out else _resampled(samples, Fraction(rate_out, rate_in))
    made = made[:, :wanted]
    return np.pad(made, ((0, 0), (0, wanted - made.shape[1])))


def _resampled(samples: Sound, ratio: Fraction) -> Sound:
    up, down = ratio.numerator, ratio.denominator
    most = max(up, down)
    # 100 dB down in the stop band, and level up to 94 % of the lower rate's half.
    taps = firwin(2 * _TAPS * most + 1, 0.94 / most, window=cast("str", ("kaiser", 10.0)))
    made = resample_poly(samples.astype(np.float64), up, down, axis=-1, window=taps)
    return cast("Sound", made.astype(np.float32))


def _downmix(names: Sequence[str]) -> Values:
    return np.array([_GAINS.get(name, (0.0, 0.0)) for name in names]).T


def _power(*channels: Values | None) -> float:
    return sum(float(np.mean(each**2)) for each in channels if each is not None and each.size)


def _centre_share(old: dict[str, Values]) -> float:
    """Return how much of the front's middle the centre speaker has, 0..1."""
    if not old["FC"].size:
        return 0.0
    centre = np.sqrt(_power(old["FC"])) * _HALF
    middle = np.sqrt(_power((old["FL"] + old["FR"]) / 2))
    return float(centre / (centre + middle)) if centre > _SILENCE else 0.0


def _side_share(old: dict[str, Values], left: str, right: str) -> float:
    """Return how loud a pair of surrounds is beside the front's sides, 0..1/2."""
    if not old["FL"].size:
        return 0.0
    behind = np.sqrt(_power(old[left], old[right]))
    front = np.sqrt(_power(old["FL"], old["FR"]))
    return 0.5 * float(behind / (behind + front)) if behind > _SILENCE else 0.0


def _low(middle: Values, old: dict[str, Values], rate: int) -> Values:
    """Return what the low-frequency channel plays: as loud beside the middle's lows as it was."""
    if not old["LFE"].size or _power(old["LFE"]) < _SILENCE**2 or rate <= 4 * _LOW_HZ:
        return np.zeros(middle.size)
    sos = butter(4, _LOW_HZ, fs=rate, output="sos")
    was = np.tensordot(_downmix(tuple(old)), np.stack(list(old.values())), 1).mean(axis=0)
    lows = _power(cast("Values", sosfilt(sos, was)))
    gain = min(np.sqrt(_power(old["LFE"]) / lows), 1.0) if lows > _SILENCE**2 else 0.0
    return gain * cast("Values", sosfilt(sos, middle))
