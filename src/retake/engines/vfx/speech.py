"""Speech: quoted lines, spoken by the voice that comes inside `hibari-tts`."""

from __future__ import annotations

import logging
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.plan import Line
from retake.engines.vfx.sound.layout import resampled
from retake.engines.vfx.sound.waves import RATE, Wave, band, filtered

_VOICE = "heart"
_VOICE_RATE = 24000
_PAUSE_S = 0.25
_END_S = 0.12
_FASTEST = 1.3
_LEAST_S = 0.4

_log = logging.getLogger(__name__)


def speak(
    lines: tuple[Line, ...], duration_s: float, seed: int, watch: Watch
) -> tuple[Wave | None, list[str]]:
    """Return the lines spoken in one voice, and what could not be said.

    Args:
        lines: What to say, in order; a line waits until the one before it is over.
        duration_s: Length of the section; nothing sounds after it.
        seed: Draws the breath in the voice.
        watch: Asked before every line whether to stop.

    Returns:
        The voice ``[n]`` at `RATE`, about unit peak, or None when nothing is said; and notes.

    Raises:
        Cancelled: `watch` was cancelled.
    """
    if not lines:
        return None, []
    voice = load_voice()
    if isinstance(voice, str):
        return None, [f"Nothing was spoken: {voice}."]
    notes: list[str] = []
    out = np.zeros(math.ceil(duration_s * RATE))
    free_s = 0.0
    for number, line in enumerate(lines):
        watch.check()
        if duration_s - _END_S - free_s < _LEAST_S:
            unsaid = " ".join(f"“{left.text}”" for left in lines[number : number + 3])
            more = f" and {len(lines) - number - 3} more" if len(lines) > number + 3 else ""
            notes.append(f"{unsaid}{more} could not be spoken: no time is left in the section.")
            break
        start_s = max(line.start_s, free_s)
        wave = _fitted(voice, line, start_s, free_s, duration_s, seed, notes)
        if wave is None:
            continue
        at = int(min(start_s, max(free_s, duration_s - _END_S - len(wave) / RATE)) * RATE)
        wave = wave[: len(out) - at]
        out[at : at + len(wave)] += wave
        free_s = (at + len(wave)) / RATE + _PAUSE_S
    return (out if out.any() else None), notes


def _fitted(
    voice: Any,
    line: Line,
    start_s: float,
    free_s: float,
    duration_s: float,
    seed: int,
    notes: list[str],
) -> Wave | None:
    """Return a line spoken so that it ends inside the section; say in `notes` what it took."""
    room_s = duration_s - _END_S - free_s
    wave = _said(voice, line.text, 1.0, seed)
    needed_s = len(wave) / RATE
    if needed_s == 0:
        notes.append(
            f"“{line.text}” was not spoken: the voice is English and found no words in it."
        )
        return None
    if needed_s <= room_s:
        if start_s + needed_s > duration_s - _END_S:
            notes.append(f"“{line.text}” was moved forward so that it ends inside the section.")
        return wave
    speed = needed_s / room_s
    if speed <= _FASTEST:
        notes.append(f"“{line.text}” was spoken {speed:.2f} times as fast, to fit the section.")
        return _said(voice, line.text, speed * 1.02, seed)[: int(room_s * RATE)]
    text, wave = _cut(voice, line.text, room_s, seed)
    told = f"“{line.text}” needs {needed_s:.1f} s, {room_s:.1f} s are left in the section: "
    notes.append(told + (f"spoken up to “{text}”." if text else "it was not spoken."))
    return wave if text else None


def _cut(voice: Any, text: str, room_s: float, seed: int) -> tuple[str, Wave]:
    """Return the longest beginning of `text`, in whole words, that fits into `room_s`."""
    words = text.split()
    few, many = 0, len(words)
    best = ("", np.zeros(0))
    while few < many - 1:
        count = (few + many) // 2
        part = " ".join(words[:count])
        wave = _said(voice, part, _FASTEST - 0.1, seed)
        if len(wave) / RATE <= room_s:
            few, best = count, (part, wave)
        else:
            many = count
    return best


def _said(voice: Any, text: str, speed: float, seed: int) -> Wave:
    """Return `text` spoken, at `RATE`, cleaned below the voice's range, soft at both ends."""
    spoken = np.asarray(voice(text, speed=speed, seed=seed), np.float64)
    if not len(spoken):
        return np.zeros(0)
    wave = resampled(spoken, RATE, len(spoken) * RATE // _VOICE_RATE, source_rate=_VOICE_RATE)
    wave = filtered(wave, band(75, 16000))
    # A little compression keeps soft syllables above the effects.
    level = np.max(np.abs(wave)) + 1e-9
    wave = np.tanh(1.8 * wave / level) / np.tanh(1.8)
    fade = min(int(0.008 * RATE), len(wave) // 2)
    if fade:
        ramp = np.linspace(0, 1, fade)
        wave[:fade] *= ramp
        wave[-fade:] *= ramp[::-1]
    return wave


@lru_cache(maxsize=1)
def load_voice() -> Any:
    """Return the voice, or a text that says why there is none. Nothing is ever downloaded."""
    try:
        from hibari import Hibari
        from hibari.voices import voice_path

        # Asking for the file outright keeps the package from looking for it elsewhere.
        path = Path(voice_path(_VOICE, download_missing=False))
        return Hibari(voice=_VOICE, model=str(path), threads=1)
    except Exception as error:  # noqa: BLE001 (a missing voice must not cost the user the picture)
        _log.warning("speech is not available: %s", error)
        return f"the voice could not be loaded ({type(error).__name__})"
