"""The explosion: intake, crack, sub drop, body, fireball, echoes, debris, settling fire."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.events import ignition
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.envelope import ending
from retake.engines.vfx.sound.grains import GrainKind, bank, scatter
from retake.engines.vfx.sound.space import echoes, reverb
from retake.engines.vfx.sound.waves import (
    RATE,
    Wave,
    band,
    banded,
    drift,
    filtered,
    noise,
    pan,
    seconds,
    shaped,
    wide,
)  # fmt: skip

_EDGES_HZ = (28, 80, 200, 500, 1200, 3000, 7000, 15000)
# How long each band rings: the air and the fireball swallow the highs first.
_FAST_S = (0.38, 0.30, 0.22, 0.15, 0.10, 0.07, 0.045)
_SLOW_S = (1.3, 1.2, 0.95, 0.75, 0.55, 0.35, 0.2)
_LEVEL = (1.0, 1.0, 0.95, 0.8, 0.62, 0.5, 0.36)

_STONES = GrainKind(160, 900, 0.02, 0.09, tone=0.35, glide=-0.3)
_CHIPS = GrainKind(900, 6000, 0.003, 0.022, tone=0.2)
_METAL = GrainKind(700, 3200, 0.08, 0.3, tone=0.9)
_CRACKLE = GrainKind(900, 8000, 0.002, 0.014, tone=0.1)


def render(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return the sound of an explosion, ``[2, length]``, about unit peak."""
    start = min(int(ignition(cue) * RATE), max(length - 1, 0))
    size = 0.55 + 0.75 * cue.strength
    centre = 0.5 if cue.place is None else 0.25 + 0.5 * cue.place[0]
    far = cue.place is not None and cue.place[1] < 0.55
    blast = _blast(length, start, size, centre, draw)
    out = echoes(blast, ((0.31, 0.26, 0.15, 1400), (0.57, 0.2, 0.85, 900), (0.93, 0.13, 0.35, 600)))
    out += _debris(length, start, size, centre, draw)
    out = reverb(out, draw, decay_s=2.1 + 0.9 * size, bright_hz=1900, wet=0.3)
    out += _settling(length, start, size, centre, draw)
    if far:
        out = filtered(out, band(25, 1500))
    out += _intake(length, start, draw)
    return out * ending(cue, length, 1.1)


def _blast(length: int, start: int, size: float, centre: float, draw: np.random.Generator) -> Wave:
    rest = length - start
    t = seconds(rest)
    crack = shaped(rest, draw, band(350, 11000)) * (
        1.5 * np.exp(-t / 0.009) + 0.5 * np.exp(-t / 0.05)
    )
    snap = np.zeros(rest)
    # An N-wave: pressure jumps up, falls through zero and jumps back (a shock front passing).
    wave = int(0.0045 * RATE)
    snap[:wave] = np.linspace(1, -1, wave)[: min(wave, rest)] if rest >= wave else 0
    pitch = 27 + 80 * np.exp(-t / 0.14)
    sub = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * (1 - np.exp(-t / 0.003))
    sub *= np.exp(-t / (0.5 * size))
    sides = [_body(rest, size, draw) for _ in range(2)]
    rumble = noise(rest, draw, 1.9) * np.exp(-t / (1.2 * size)) * (1 - np.exp(-t / 0.15))
    rumble = filtered(rumble, band(26, 120)) * drift(rest, draw, 5, 0.5, 1.2) * 2.2
    ball = shaped(rest, draw, band(90, 800, 0.6)) * np.exp(-(((t - 0.42) / 0.42) ** 2))
    ball *= drift(rest, draw, 14, 0.5, 1.2)
    low = 1.15 * sub + 0.42 * rumble
    hit = pan(0.8 * crack + 1.4 * snap, centre)
    # The body swells behind the crack: the ear must have heard the blow before the roar.
    swell = 0.35 + 0.65 * (1 - np.exp(-t / 0.05))
    roar = (wide(sides[0], sides[1], 0.6) + low) * swell + 0.25 * pan(ball, centre)
    out = np.zeros((2, length))
    # Saturation glues the layers and gives the sub overtones that small speakers can play; the
    # crack stays outside it, or it would drown.
    out[:, start:] = 0.75 * np.tanh(roar) + 0.6 * hit
    for delay_s in draw.uniform(0.16, 0.75, 3):
        out += _second(length, start + int(delay_s * RATE), size, draw)
    return out


def _body(rest: int, size: float, draw: np.random.Generator) -> Wave:
    t = seconds(rest)
    rough = drift(rest, draw, 5, 0.15, 1.3) * drift(rest, draw, 17, 0.7, 1.2)
    envelopes = [
        level * (np.exp(-t / (fast * size)) + 0.24 * rough * np.exp(-t / (slow * size)))
        for level, fast, slow in zip(_LEVEL, _FAST_S, _SLOW_S, strict=True)
    ]
    return 0.62 * banded(rest, draw, _EDGES_HZ, envelopes)


def _second(length: int, start: int, size: float, draw: np.random.Generator) -> Wave:
    """A smaller burst after the first: fuel and fragments going off."""
    span = max(min(length - start, 2 * RATE), 0)
    burst = shaped(span, draw, band(70, 1800, 0.8)) * np.exp(-seconds(span) / (0.11 * size))
    out = np.zeros((2, length))
    out[:, start : start + span] = pan(
        burst * float(draw.uniform(0.1, 0.22)), float(draw.uniform(0.2, 0.8))
    )
    return out


def _debris(length: int, start: int, size: float, centre: float, draw: np.random.Generator) -> Wave:
    t = (np.arange(length) - start) / RATE
    rain = np.where(t > 0.2, np.exp(-(((t - 1.05) / (0.8 * size)) ** 2)), 0.0)
    late = np.where(t > 0.5, np.exp(-(((t - 1.5) / (0.8 * size)) ** 2)), 0.0)
    out = 1.0 * scatter(length, draw, bank(_STONES, draw), 30 * size, rain, centre=centre)
    out += 0.7 * scatter(length, draw, bank(_CHIPS, draw), 120 * size, rain, centre=centre)
    out += 0.3 * scatter(length, draw, bank(_METAL, draw), 5 * size, late, centre=centre)
    dirt = [shaped(length, draw, band(1500, 7000)) * rain * 0.05 for _ in range(2)]
    return out + wide(dirt[0], dirt[1], 0.9)


def _settling(
    length: int, start: int, size: float, centre: float, draw: np.random.Generator
) -> Wave:
    """What burns on: a low roar and crackles under the tail."""
    t = (np.arange(length) - start) / RATE
    burning = np.clip((t - 0.35) / 0.8, 0, 1) * np.exp(-np.maximum(t - 1.2, 0) / 2.2)
    roar = shaped(length, draw, band(50, 420, 0.8)) * drift(length, draw, 8, 0.4, 1.2)
    out = pan(0.055 * size * roar * burning, centre)
    return out + 0.45 * scatter(length, draw, bank(_CRACKLE, draw), 40 * size, burning, tail=1.8)


def _intake(length: int, start: int, draw: np.random.Generator) -> Wave:
    """A breath of air drawn in just before, which makes the blow feel larger."""
    t = (np.arange(length) - start) / RATE
    rise = np.where(t < 0, np.exp(np.minimum(t, 0) / 0.07), 0.0)
    rise *= np.clip((t + 0.38) / 0.1, 0, 1) * np.clip(seconds(length) / 0.12, 0, 1) ** 2
    sides = [shaped(length, draw, band(250, 2600)) * rise * 0.06 for _ in range(2)]
    return wide(sides[0], sides[1], 0.7)
