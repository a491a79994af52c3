"""The engine as a whole: every effect, every mode, odd sizes, deep colour, uneven times, cancel."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from threading import Event

import numpy as np
import pytest

from retake.core.errors import BadRequest, Cancelled, EngineFailed
from retake.core.request import Mode
from retake.core.watch import Stage, Watch
from retake.engines.engine import Shot, Take
from retake.engines.vfx.engine import VfxEngine
from retake.engines.vfx.plan import VISUALS
from tests.vfx.scenery import make_shot

PROMPTS = {
    "explosion": "A huge explosion on the left",
    "fire": "A fire burns in the house",
    "smoke": "Thick black smoke rises",
    "rain": "It starts to rain",
    "storm": "A thunderstorm with lightning",
    "snow": "Heavy snow falls",
    "fog": "Dense fog drifts in",
    "night": "Night falls",
    "sunset": "A golden sunset",
}


def _frames(take: Take) -> list[np.ndarray]:
    assert take.frames is not None
    return list(take.frames)


def _fits(take: Take, shot: Shot, dtype: type) -> list[np.ndarray]:
    frames = _frames(take)
    assert len(frames) == len(shot.section)
    for frame in frames:
        assert frame.shape == (shot.frames.height, shot.frames.width, 3)
        assert frame.dtype == dtype
    return frames


@pytest.mark.parametrize("name", VISUALS)
def test_every_effect_is_understood_drawn_and_heard(name: str) -> None:
    shot = make_shot(PROMPTS[name], mode=Mode.AUDIO_AND_VIDEO, count=14)
    take = VfxEngine().make(shot)
    frames = _fits(take, shot, np.uint8)
    sources = list(shot.frames.read())
    changed = max(
        np.abs(frame.astype(int) - source).mean()
        for frame, source in zip(frames, sources, strict=True)
    )
    assert changed > 1.5
    assert take.sound is not None
    assert take.sound.samples.shape == (2, shot.sound_samples)
    assert take.sound.rate == shot.rate
    assert np.isfinite(take.sound.samples).all()
    assert any(name in note for note in take.notes)


@pytest.mark.parametrize("name", VISUALS)
def test_every_effect_draws_odd_sizes_in_sixteen_bits_at_uneven_times(name: str) -> None:
    shot = make_shot(PROMPTS[name], size=(61, 97), count=7, deep=True, uneven=True)
    _fits(VfxEngine().make(shot), shot, np.uint16)


@pytest.mark.parametrize("name", VISUALS)
def test_the_first_frame_belongs_to_the_source(name: str) -> None:
    shot = make_shot(PROMPTS[name], count=8)
    take = VfxEngine().make(shot)
    assert take.frames is not None
    first = next(iter(take.frames))
    source = next(shot.frames.read())
    assert np.abs(first.astype(int) - source).mean() < 0.5


def test_replace_video_makes_no_sound_and_replace_audio_no_frames() -> None:
    engine = VfxEngine()
    video = engine.make(make_shot("rain", mode=Mode.VIDEO))
    audio = engine.make(make_shot("rain", mode=Mode.AUDIO))
    assert video.sound is None
    assert video.frames is not None
    assert audio.frames is None
    assert audio.sound is not None


def test_several_effects_are_drawn_over_one_another() -> None:
    engine = VfxEngine()
    rain, night = (_frames(engine.make(make_shot(p)))[8] for p in ("rain", "night"))
    both = _frames(engine.make(make_shot("rain at night")))[8]
    assert not np.array_equal(both, rain)
    assert not np.array_equal(both, night)


def test_what_is_not_understood_is_said_and_gets_a_mood_only() -> None:
    shot = make_shot("a dog runs in")
    take = VfxEngine().make(shot)
    frames = _fits(take, shot, np.uint8)
    change = np.abs(frames[8].astype(int) - list(shot.frames.read())[8]).mean()
    assert 0.2 < change < 12
    said = " ".join(take.notes)
    assert "dog" in said
    assert "no generator" in said


def test_strict_refuses_what_cannot_be_done() -> None:
    engine = VfxEngine()
    with pytest.raises(BadRequest) as refused:
        engine.check("a dog runs in", {"strict": True})
    assert refused.value.code == "not_understood"
    with pytest.raises(EngineFailed):
        engine.make(make_shot("a dog runs in", options={"strict": True}))
    assert engine.check("heavy rain", {"strict": True}) == ()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"speed": 3}, "unknown_option"),
        ({"keep_sound": "maybe"}, "unknown_keep_sound"),
        ({"strict": "yes"}, "wrong_type"),
    ],
)
def test_options_are_checked(options: dict, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        VfxEngine().check("rain", options)
    assert refused.value.code == code
    assert refused.value.param == "options"


def test_cancel_while_frames_are_drawn_takes_effect_with_the_next_frame() -> None:
    cancel = Event()
    take = VfxEngine().make(make_shot("fog", watch=Watch(cancel=cancel)))
    assert take.frames is not None
    next(take.frames)
    cancel.set()
    with pytest.raises(Cancelled):
        next(take.frames)


def test_progress_goes_up_to_its_total() -> None:
    seen: list[tuple[int, int]] = []
    watch = Watch(lambda stage, done, total: seen.append((done, total)))
    shot = make_shot("fog", watch=watch)
    _frames(VfxEngine().make(shot))
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (2 * len(shot.section), 2 * len(shot.section))
    assert Stage.GENERATE


def test_an_estimate_grows_with_size_and_effect() -> None:
    engine = VfxEngine()
    small = engine.estimate(make_shot("fog"))
    large = engine.estimate(make_shot("fog", size=(640, 360)))
    blast = engine.estimate(make_shot("a huge explosion"))
    assert small.seconds < large.seconds
    assert small.seconds < blast.seconds
    assert small.memory_bytes < 2e9


_DIGEST = """
import hashlib, json, sys
from retake.engines.vfx.engine import VfxEngine
from tests.vfx.scenery import make_shot
out = {}
for prompt in json.loads(sys.argv[1]):
    take = VfxEngine().make(make_shot(prompt, count=6))
    out[prompt] = hashlib.sha256(b"".join(f.tobytes() for f in take.frames)).hexdigest()
print(json.dumps(out))
"""


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_number_of_threads() -> None:
    prompts = json.dumps([PROMPTS[name] for name in VISUALS])
    found = []
    for threads in ("1", "2"):
        cores = {0} if threads == "1" else os.sched_getaffinity(0)
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST, prompts],
            env={**os.environ, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            check=True,
            preexec_fn=lambda cores=cores: os.sched_setaffinity(0, cores),
        )
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]


def test_the_same_seed_gives_the_same_take_and_another_another() -> None:
    def digest(seed: int) -> str:
        frames = _frames(VfxEngine().make(make_shot("rain", seed=seed)))
        return hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()

    assert digest(4) == digest(4)
    assert digest(4) != digest(5)
