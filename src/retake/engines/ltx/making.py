"""Making one window: encode, read the prompt, denoise, decode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from retake.core.watch import Watch
from retake.engines.ltx.coding import decode_audio, decode_video, encode_audio, encode_video
from retake.engines.ltx.denoise import Side, denoise
from retake.engines.ltx.doubling import FIRST_SHARE, doubled, halved
from retake.engines.ltx.latents import Shape, draw
from retake.engines.ltx.memory.work import Phase
from retake.engines.ltx.progress import Progress
from retake.engines.ltx.text import Prompt, Prompts
from retake.engines.ltx.upscale import REFINE_SIGMAS

if TYPE_CHECKING:
    from retake.engines.ltx.memory.attempts import Attempt
    from retake.engines.ltx.recipe import Recipe

Pictures = NDArray[np.uint16]
"""Pictures of a window ``[n, H, W, 3]``; 0..65535 is -1..1."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a window is made from.

    Attributes:
        video: Float32 ``[3, 8k + 1, H, W]`` in -1..1, the working size.
        features: Log-mel of the sound, ``[2, frames, 64]``; None where there is none.
        video_mask: Which latents in time are made.
        audio_mask: Which latents of sound are made; as many as there are.
        fps: Frames a second.
        prompt: What should happen.
        seed: Draws the noise.
    """

    video: torch.Tensor
    features: NDArray[np.float32] | None
    video_mask: tuple[bool, ...]
    audio_mask: tuple[bool, ...]
    fps: float
    prompt: str
    seed: int

    @property
    def shape(self) -> Shape:
        """How many latents the window has."""
        height, width = self.video.shape[2] // 32, self.video.shape[3] // 32
        return Shape(len(self.video_mask), height, width, len(self.audio_mask), self.fps)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a window: all of its pictures and sound, kept ones too.

    Attributes:
        pictures: As `Pictures`; None where none are made.
        sound: Float32 ``[2, samples]`` and its rate; None where none is made.
    """

    pictures: Pictures | None
    sound: tuple[NDArray[np.float32], int] | None


def make_window(
    attempt: Attempt, given: Given, recipe: Recipe, prompts: Prompts, watch: Watch
) -> Made:
    """Return a window's pictures and sound.

    Args:
        attempt: Has each phase's parts on the device while it runs.
        given: What to make it from.
        recipe: How to denoise.
        prompts: Reads the prompts.
        watch: Told of every step; heeded before every tile, step and block.

    Raises:
        Cancelled: The watch was cancelled.
    """
    components = attempt.components
    shape = given.shape
    # Where only sound is made there is nothing to double.
    doubles = recipe.doubles and any(given.video_mask)
    small = halved(given) if doubles else given
    progress = Progress(watch, attempt.work, _phases(given))
    progress.at(Phase.ENCODE)
    sides = attempt.phase(Phase.ENCODE, lambda: _sides(attempt, given, shape, watch))
    begun = sides
    if doubles:
        begun = attempt.phase(Phase.ENCODE, lambda: _sides(attempt, small, small.shape, watch))
    progress.at(Phase.TEXT)
    texts = [given.prompt, *([recipe.negative] if recipe.guidance.needs_negative else [])]
    if not all(map(prompts.knows, texts)):
        # The text encoder is large: where it is not needed it is not brought to the device.
        attempt.phase(Phase.TEXT, lambda: [prompts.read(one, components) for one in texts])
    prompt, *others = [prompts.read(one, components) for one in texts]
    negative = others[0] if others else None
    progress.at(Phase.DENOISE)
    run = _Run(attempt, recipe, prompt, negative, watch, progress)
    first = run.denoised(*begun, small.shape, to=FIRST_SHARE if doubles else 1.0)
    x, y = first
    if doubles:
        again = attempt.phase(
            Phase.DECODE, lambda: doubled(sides, first, given, small.shape, components)
        )
        x, y = run.denoised(*again, shape, REFINE_SIGMAS, begun=FIRST_SHARE)
    pictures = sound = None
    if any(given.video_mask):
        pictures = attempt.phase(
            Phase.DECODE,
            lambda: _pictures(attempt, x, shape, given.seed if recipe.diffusion else None, watch),
        )
    if any(given.audio_mask):
        progress.at(Phase.SOUND)
        sound = attempt.phase(Phase.SOUND, lambda: decode_audio(y, components))
    return Made(pictures, sound)


@dataclass(frozen=True, slots=True)
class _Run:
    """What is the same in every stage of denoising a window."""

    attempt: Attempt
    recipe: Recipe
    prompt: Prompt
    negative: Prompt | None
    watch: Watch
    progress: Progress

    def denoised(
        self,
        video: Side,
        audio: Side,
        shape: Shape,
        sigmas: tuple[float, ...] | None = None,
        *,
        begun: float = 0.0,
        to: float = 1.0,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the denoised latents; the stage goes from `begun` of the phase `to` that share."""
        components, device = self.attempt.components, self.attempt.components.device
        line = self.recipe.sigmas(components, shape.tokens) if sigmas is None else sigmas
        share = (to - begun) / (len(line) - 1)
        return self.attempt.phase(
            Phase.DENOISE,
            lambda: denoise(
                components.transformer,
                video,
                audio,
                shape,
                _on(self.prompt, device),
                line,
                self.recipe.guidance,
                watch=self.watch,
                negative=None if self.negative is None else _on(self.negative, device),
                cross_timestep=components.family != "2.0",
                dtype=components.dtype,
                step_done=lambda at, _x, _y: self.progress.at(
                    Phase.DENOISE, begun + share * (at + 1)
                ),
            ),
        )


def _phases(given: Given) -> tuple[Phase, ...]:
    made = {Phase.DECODE: any(given.video_mask), Phase.SOUND: any(given.audio_mask)}
    return tuple(phase for phase in Phase if made.get(phase, True))


def _sides(attempt: Attempt, given: Given, shape: Shape, watch: Watch) -> tuple[Side, Side]:
    """Return pictures and sound as latents: what is kept, what noise takes the others' place."""
    components = attempt.components
    audio_channels = int(components.audio_vae.config.latent_channels)
    bands = components.audio_vae.config.mel_bins // components.audio_vae.mel_compression_ratio
    channels = int(components.transformer.config.in_channels)
    noise = draw(shape, channels, audio_channels, bands, given.seed)
    device = components.device
    video = encode_video(given.video, components, attempt.way.tiles, watch.check)
    if given.features is None:
        audio = torch.zeros_like(noise[1], device=device)
    else:
        audio = encode_audio(given.features, shape.audio, components)
    per_frame = torch.tensor(given.video_mask, device=device)
    return (
        Side(video, noise[0].to(device), per_frame.repeat_interleave(shape.height * shape.width)),
        Side(audio, noise[1].to(device), torch.tensor(given.audio_mask, device=device)),
    )


def _pictures(
    attempt: Attempt, tokens: torch.Tensor, shape: Shape, noise: int | None, watch: Watch
) -> Pictures:
    tiles = attempt.way.tiles
    runs = decode_video(tokens, shape, attempt.components, tiles, watch.check, noise)
    # 16 bits take half of what float32 does, and are finer than any source.
    coded = [((run.clamp(-1, 1) + 1) * 32767.5).round().to(torch.int32).numpy() for run in runs]
    return np.concatenate([run.astype(np.uint16).transpose(1, 2, 3, 0) for run in coded])


def _on(prompt: Prompt, device: torch.device) -> Prompt:
    return Prompt(prompt.video.to(device), prompt.audio.to(device), prompt.mask.to(device))
