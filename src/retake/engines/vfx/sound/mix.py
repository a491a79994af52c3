"""The mix: effects over the source's own sound or its air, speech on top, peaks held down."""

from __future__ import annotations

import numpy as np

from retake.core.request import Mode
from retake.core.watch import Watch
from retake.engines.engine import Sound
from retake.engines.vfx.chance import generator
from retake.engines.vfx.plan import Cue, PromptPlan
from retake.engines.vfx.sound.bed import make_bed
from retake.engines.vfx.sound.duck import duck_for_effects, duck_for_speech
from retake.engines.vfx.sound.layout import resampled, spread, spread_speech
from retake.engines.vfx.sound.loudness import integrated, limit, momentary
from retake.engines.vfx.sound.stems import Stem, stem_of
from retake.engines.vfx.sound.waves import RATE, Wave, filtered
from retake.engines.vfx.speech import speak

_RUMBLE_HZ = 26.0
_INAUDIBLE = 1.5e-5
_QUIET_SOURCE_LUFS = -45.0
_LOUDEST_EFFECT_LUFS = -9.0


def make_sound(
    plan: PromptPlan,
    shot_sound: Sound | None,
    sound_start: int,
    sound_samples: int,
    rate: int,
    channels: int,
    mode: Mode,
    seed: int,
    watch: Watch,
) -> tuple[Sound, tuple[str, ...]]:
    """Return the section's new sound and what the user should know of it.

    Args:
        plan: What was understood of the prompt.
        shot_sound: The source's sound with handles; None where it has none.
        sound_start: Sample of `shot_sound` at which the section starts.
        sound_samples: Samples of the section: the result has exactly as many.
        rate: Samples a second of the result; the same as `shot_sound`'s.
        channels: Channels of the result; the same as `shot_sound`'s.
        mode: In replace_audio the source's sound gives way to the air of the place; in
            replace_audio_and_video it stays beneath, ducked, unless the plan says otherwise.
        seed: Draws everything that is left to chance.
        watch: Asked before every stem whether to stop.

    Raises:
        Cancelled: `watch` was cancelled.
    """
    shape = (channels, rate)
    ground, notes = _ground(plan, shot_sound, sound_start, sound_samples, shape, mode, seed)
    effects = _effects(plan, integrated(ground, rate), sound_samples, shape, seed, watch)
    voice, spoken = speak(plan.lines, sound_samples / rate, seed, watch)
    mixed = effects + duck_for_effects(ground, effects, rate)
    if voice is not None:
        line = resampled(voice, rate, sound_samples)
        mixed = duck_for_speech(mixed, line, rate)
        mixed = mixed + spread_speech(_heard_over(line, mixed, rate), channels)
    ours = np.max(np.abs(effects), axis=0) > 0
    if voice is not None or shot_sound is None or not _keeps(plan, mode):
        ours[:] = True
    watch.check()
    return Sound(limit(mixed, rate, ours).astype(np.float32), rate), (*notes, *spoken)


def _effects(
    plan: PromptPlan,
    reference: float,
    samples: int,
    shape: tuple[int, int],
    seed: int,
    watch: Watch,
) -> Wave:
    """Return all effects together, ``[channels, samples]``, levelled against `reference` LUFS."""
    channels, rate = shape
    out = np.zeros((channels, samples))
    company = frozenset(cue.effect for cue in plan.sounds)
    for cue in plan.sounds:
        watch.check()
        stem = stem_of(cue, company - {cue.effect})
        wave = _rendered(cue, stem, -(-samples * RATE // rate), seed)
        wave = _levelled(wave, stem, cue, reference)
        out += _trimmed(resampled(spread(wave, channels), rate, samples))
    watch.check()
    return out


def _keeps(plan: PromptPlan, mode: Mode) -> bool:
    # Music that stops for five seconds sounds broken, so a new picture alone keeps the sound.
    return mode is Mode.AUDIO_AND_VIDEO if plan.keep_sound is None else plan.keep_sound


def _ground(
    plan: PromptPlan,
    shot_sound: Sound | None,
    start: int,
    length: int,
    shape: tuple[int, int],
    mode: Mode,
    seed: int,
) -> tuple[Wave, list[str]]:
    """Return what lies beneath the effects: the source's own sound, its air, or silence."""
    channels, rate = shape
    if shot_sound is None:
        return np.zeros((channels, length)), ["The source has no sound: a new track was made."]
    around = shot_sound.samples.astype(np.float64)
    if _keeps(plan, mode):
        own = around[:, start : start + length]
        missing = length - own.shape[1]
        if missing > 0:
            own = np.pad(own, ((0, 0), (0, missing)))
        return own, ["The source's own sound stays beneath the new one."]
    bed = make_bed(around, start, length, rate, generator(seed, "bed"))
    return bed, ["The source's own sound was replaced; only the air of the place was kept."]


def _rendered(cue: Cue, stem: Stem, length: int, seed: int) -> Wave:
    wave = stem.render(cue, length, generator(seed, f"sound {cue.effect}"), seed)
    return filtered(wave, lambda f: 1 / (1 + (_RUMBLE_HZ / np.maximum(f, 0.1)) ** 4))


def _trimmed(wave: Wave) -> Wave:
    """Silence what filters left before the first and after the last audible sample."""
    audible = np.flatnonzero(np.max(np.abs(wave), axis=0) > _INAUDIBLE)
    if len(audible):
        wave[:, : audible[0]] = 0
        wave[:, audible[-1] + 1 :] = 0
    return wave


def _levelled(wave: Wave, stem: Stem, cue: Cue, reference: float) -> Wave:
    """Bring a stem to its loudness: fixed over quiet sources, above the source over loud ones."""
    measured = momentary(wave, RATE) if stem.blow else integrated(wave, RATE)
    if measured <= -69:
        return wave
    target = stem.lufs
    if reference > _QUIET_SOURCE_LUFS:
        target = max(target, reference + stem.above_lu)
    target = min(target + 10 * (cue.strength - 0.6), _LOUDEST_EFFECT_LUFS)
    return wave * 10 ** ((target - measured) / 20)


def _heard_over(line: Wave, beneath: Wave, rate: int) -> Wave:
    """Level a voice so that it is understood over what remains beneath it."""
    speaking = np.abs(line) > 1e-4
    under = integrated(beneath[:, speaking], rate) if speaking.any() else -70.0
    target = min(max(under + 9.0, -20.0), -13.0)
    return line * 10 ** ((target - integrated(line[None], rate)) / 20)
