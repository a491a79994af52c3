"""A shot as windows: what of it the model is given, and how what comes back becomes the section."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from retake.core.timing import FrameRange
from retake.engines.engine import Frame, MadeHandles, Shot, Sound
from retake.engines.ltx.colour import Light
from retake.engines.ltx.features import HOP, RATE, log_mel
from retake.engines.ltx.layouts import from_stereo, resampled, to_stereo
from retake.engines.ltx.making import Given, Made, Pictures
from retake.engines.ltx.masks import (
    FEATURES,
    audio_latents,
    audio_mask,
    video_mask,
)
from retake.engines.ltx.rate import Grid, mixed
from retake.engines.ltx.size import WorkingSize, from_model, to_model
from retake.engines.ltx.window import Window

FADE = Fraction(1, 50)
"""Seconds over which the sound of one window passes into that of the next."""

_HANDLE_FRAMES = 4
_FOR_EVER = Fraction(10**6)


@dataclass(frozen=True)
class Scene:
    """One shot, and how the model is shown it.

    Attributes:
        shot: The shot.
        grid: The model's frames; the shot's are numbered from `skipped` in it.
        size: The working size.
        light: The way into the model's range and back.
        skipped: Frames at the shot's beginning that are too far from the section to count.
    """

    shot: Shot
    grid: Grid
    size: WorkingSize
    light: Light
    skipped: int = 0

    def opens(self, window: Window) -> Fraction:
        """Return when a window's first frame appears, in the shot's seconds."""
        return self.grid.time_of(self.grid.section.start + window.start)

    def latents(self, window: Window, *, last: bool) -> int:
        """Return how many latents of sound a window has."""
        duration = window.count / self.grid.rate
        needed = self.shot.duration - self.opens(window) if last else duration
        return audio_latents(duration, needed)


class Reel:
    """What has been made of a section so far, window by window.

    Args:
        scene: The shot.
        windows: All windows, in order.
    """

    def __init__(self, scene: Scene, windows: tuple[Window, ...]) -> None:
        self._scene = scene
        self._windows = windows
        self._pictures: list[Pictures] = []
        self._before: Pictures | None = None
        self._after: Pictures | None = None
        shot = scene.shot
        self._sound = np.zeros((2, shot.sound_samples), np.float32)
        self._heard = None
        if shot.sound is not None:
            self._heard = to_stereo(shot.sound.samples, shot.layout)

    def given(self, window: Window) -> Given:
        """Return what a window is made from: the source, and what was made before."""
        scene, shot = self._scene, self._scene.shot
        last = window is self._windows[-1]
        latents = scene.latents(window, last=last)
        number = self._windows.index(window)
        opens: list[tuple[Fraction, Fraction]] = []
        if self._heard is None:
            opens = [(Fraction(0), _FOR_EVER)]
        elif shot.mode.replaces_audio:
            opens = _sound_opens(scene, window, last=last)
        return Given(
            video=self._video(window),
            features=self._features(window, latents),
            video_mask=video_mask(window, shot.mode),
            audio_mask=audio_mask(latents, opens),
            fps=float(scene.grid.rate),
            prompt=shot.prompt,
            # Noise that repeats from window to window would show.
            seed=(shot.seed + number * 1_000_003) % 2**63,
        )

    def take_in(self, window: Window, made: Made) -> None:
        """Keep what belongs to the section of what came of a window."""
        if made.pictures is not None:
            first = window.made.start - window.start
            self._pictures.append(made.pictures[first : first + len(window.made)].copy())
            if window is self._windows[0]:
                self._before = made.pictures[max(first - _HANDLE_FRAMES, 0) : first].copy()
            if window is self._windows[-1]:
                end = min(window.closes + _HANDLE_FRAMES, window.known)
                self._after = made.pictures[window.closes : end].copy()
        if made.sound is not None:
            self._join_sound(window, *made.sound)

    def frames(self, dtype: np.dtype[np.generic]) -> Iterator[Frame]:
        """Yield the section's frames at the source's size and times."""
        grid = self._scene.grid
        shown = (grid.shown(frame) for frame in range(len(grid.shot_section)))
        numbered = enumerate(self._coded(self._pictures, dtype), grid.section.start)
        yield from mixed(numbered, shown)

    def handles(self, dtype: np.dtype[np.generic]) -> MadeHandles | None:
        """Return the model's own version of the frames beside the section.

        None where the model's frames are not the source's one to one.
        """
        if not self._scene.grid.exact or self._before is None or self._after is None:
            return None
        return MadeHandles(self._coded([self._before], dtype), self._coded([self._after], dtype))

    def sound(self) -> Sound:
        """Return the section's sound, in the source's channels and rate."""
        shot = self._scene.shot
        if shot.sound is None:
            return Sound(self._sound, shot.rate)
        spread = from_stereo(self._sound, shot.sound.samples, shot.layout, shot.rate)
        return Sound(spread, shot.rate)

    def _coded(self, pictures: list[Pictures], dtype: np.dtype[np.generic]) -> Iterator[Frame]:
        scene = self._scene
        for run in pictures:
            for number in range(len(run)):
                scene.shot.watch.check()
                yield from from_model(
                    _floats(run[number : number + 1]), scene.size, dtype, scene.light
                )

    def _video(self, window: Window) -> torch.Tensor:
        """Return a window's pictures, float32 ``[3, count, H, W]`` in -1..1."""
        scene = self._scene
        # Where only sound is made, the pictures are the source's all along.
        own = window.opens if self._pictures else 0
        first = scene.grid.section.start + window.start
        # Beyond the video's end its last frame stands still.
        numbers = [first + min(at, window.known - 1) for at in range(own, window.count)]
        mixes = [scene.grid.taken(number) for number in numbers]
        skipped = scene.skipped
        span = FrameRange(mixes[0].first + skipped, mixes[-1].second + 1 + skipped)
        read = enumerate(scene.shot.frames.read(span), mixes[0].first)
        video = to_model(mixed(_watched(scene.shot, read), mixes), scene.size, scene.light)
        if not own:
            return video
        made = np.concatenate(self._pictures)[window.start : window.start + own]
        return torch.cat([_floats(made), video], dim=1)

    def _features(self, window: Window, latents: int) -> NDArray[np.float32] | None:
        """Return the log-mel of a window's sound: the source's, and what was made of it before."""
        if self._heard is None:
            return None
        shot = self._scene.shot
        heard = self._heard
        if shot.mode.replaces_audio and window.made.start:
            done = _sample(self._scene, window.made.start)
            heard = heard.copy()
            heard[:, shot.sound_start : shot.sound_start + done] = self._sound[:, :done]
        start = shot.sound_start + round(self._scene.opens(window) * shot.rate)
        wanted = (latents - 1) * FEATURES * HOP
        count = -(-wanted * shot.rate // RATE) + 1
        piece = heard[:, max(start, 0) : max(start + count, 0)]
        piece = np.pad(piece, ((0, 0), (max(-start, 0), 0)))
        return log_mel(resampled(piece, shot.rate, RATE, wanted))

    def _join_sound(self, window: Window, sound: NDArray[np.float32], rate: int) -> None:
        shot = self._scene.shot
        offset = round(self._scene.opens(window) * shot.rate)
        made = resampled(sound, rate, shot.rate)
        first = _sample(self._scene, window.made.start)
        last = window is self._windows[-1]
        end = shot.sound_samples if last else _sample(self._scene, window.made.end)
        fade = min(round(FADE * shot.rate), first) if window.made.start else 0
        part = made[:, first - fade - offset : end - offset]
        part = np.pad(part, ((0, 0), (0, end - first + fade - part.shape[1])))
        ramp = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
        old = self._sound[:, first - fade : first]
        self._sound[:, first - fade : first] = old * (1 - ramp) + part[:, :fade] * ramp
        self._sound[:, first:end] = part[:, fade:]


def _sound_opens(scene: Scene, window: Window, *, last: bool) -> list[tuple[Fraction, Fraction]]:
    opens = scene.opens(window)
    begins = scene.grid.time_of(scene.grid.section.start + window.made.start) - opens
    if not last:
        return [(begins, _FOR_EVER)]
    ends = scene.shot.duration - opens
    beyond = [(window.known / scene.grid.rate, _FOR_EVER)] if window.known < window.count else []
    return [(begins, ends), *beyond]


def _sample(scene: Scene, frame: int) -> int:
    """Return the section's sample at which one of its model frames appears."""
    at = scene.grid.time_of(scene.grid.section.start + frame)
    return min(round(at * scene.shot.rate), scene.shot.sound_samples)


def _watched(shot: Shot, frames: Iterator[tuple[int, Frame]]) -> Iterator[tuple[int, Frame]]:
    for numbered in frames:
        shot.watch.check()
        yield numbered


def _floats(pictures: Pictures) -> torch.Tensor:
    """Return `Pictures` as float32 ``[3, n, H, W]`` in -1..1."""
    floats = torch.from_numpy(pictures.astype(np.float32) / np.float32(32767.5) - 1)
    return floats.permute(3, 0, 1, 2)
