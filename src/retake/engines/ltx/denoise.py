"""Denoising pictures and sound together where a mask says so, and nowhere else.

Every token has a time step of its own: the step's sigma where it is made, 0 where it is kept. After
each step the kept tokens are set to the clean latents again, so that they are these very numbers at
every step and at the end. A modality that is kept as a whole counts as clean in the scalar sigma
too, which the prompt's and the other modality's attention go by.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from retake.core.watch import Watch
from retake.engines.ltx.guidance import Guidance, Pass, combined
from retake.engines.ltx.latents import Shape
from retake.engines.ltx.text import Prompt

TIMESTEPS = 1000
"""A sigma of 1 is this time step to the transformer."""


@dataclass(frozen=True, slots=True)
class Side:
    """One modality of what is to be denoised.

    Attributes:
        clean: Normalised latents of the source, float32 ``[1, tokens, channels]``.
        noise: As many numbers of standard normal noise.
        made: Which tokens are made, bool ``[tokens]``.
        drawn: What an earlier stage made, where sigmas do not begin at 1; the source when None.
    """

    clean: torch.Tensor
    noise: torch.Tensor
    made: torch.Tensor
    drawn: torch.Tensor | None = None

    def started(self, sigma: float) -> torch.Tensor:
        """Return the latents before the first step: kept ones clean, the others noisy."""
        drawn = self.clean if self.drawn is None else self.drawn
        noisy = self.noise if sigma >= 1 else sigma * self.noise + (1 - sigma) * drawn
        return torch.where(self.made[None, :, None], noisy, self.clean)

    @property
    def frozen(self) -> bool:
        """Whether nothing of it is made; on a GPU this waits for it."""
        return not bool(self.made.any())


StepDone = Callable[[int, torch.Tensor, torch.Tensor], None]


@torch.no_grad()
def denoise(
    transformer: Any,
    video: Side,
    audio: Side,
    shape: Shape,
    prompt: Prompt,
    sigmas: Sequence[float],
    guidance: Guidance,
    *,
    watch: Watch,
    negative: Prompt | None = None,
    cross_timestep: bool = True,
    dtype: torch.dtype = torch.float32,
    step_done: StepDone | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the denoised latents of pictures and sound, float32 ``[1, tokens, channels]``.

    Args:
        transformer: diffusers' `LTX2VideoTransformer3DModel`.
        video: What is made of the pictures and what is kept, on the transformer's device.
        audio: The same of the sound.
        shape: How many latents there are.
        prompt: What should happen.
        sigmas: Descending, the last one 0.
        guidance: How strongly to guide.
        watch: Heeded between steps and between the transformer's blocks.
        negative: What should not; needed where guidance takes the negative pass.
        cross_timestep: Whether each modality's attention to the other goes by the other's sigma: so
            from LTX-2.3 on.
        dtype: What the transformer computes in.
        step_done: Told each step's number, from 0, and the latents behind it.

    Raises:
        Cancelled: The watch was cancelled.
    """
    x, y = video.started(sigmas[0]), audio.started(sigmas[0])
    moving = not video.frozen, not audio.frozen
    model = _Model(transformer, video, audio, shape, dtype, cross_timestep, moving)
    with heeding(transformer, watch):
        for number, (sigma, following) in enumerate(pairwise(sigmas)):
            watch.check()
            clean = model.clean(x, y, sigma, prompt, negative, guidance)
            guided_x = combined(clean[0], guidance.video, video.made)
            guided_y = combined(clean[1], guidance.audio, audio.made)
            x = _stepped(x, guided_x, sigma, following, video)
            y = _stepped(y, guided_y, sigma, following, audio)
            if step_done is not None:
                step_done(number, x, y)
    return x, y


@contextmanager
def heeding(transformer: Any, watch: Watch) -> Generator[None]:
    """Let a wish to cancel take effect between the transformer's blocks too.

    A step of a large window takes seconds; a block takes a fortieth of it.
    """

    def look(_block: Any, _given: Any) -> None:
        watch.check()

    hooks = [block.register_forward_pre_hook(look) for block in transformer.transformer_blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _stepped(
    x: torch.Tensor, clean: torch.Tensor, sigma: float, following: float, side: Side
) -> torch.Tensor:
    """Return the latents one Euler step further; kept ones are the clean ones themselves."""
    velocity = (x - clean) / sigma
    # sigma's difference in float32, as diffusers' scheduler takes it.
    step = torch.tensor(following) - torch.tensor(sigma)
    moved = x + step.to(x.device) * velocity
    return torch.where(side.made[None, :, None], moved, side.clean)


@dataclass(frozen=True, slots=True)
class _Model:
    """The transformer with everything that stays the same from step to step."""

    transformer: Any
    video: Side
    audio: Side
    shape: Shape
    dtype: torch.dtype
    cross_timestep: bool
    moving: tuple[bool, bool]

    def clean(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        sigma: float,
        prompt: Prompt,
        negative: Prompt | None,
        guidance: Guidance,
    ) -> tuple[dict[Pass, torch.Tensor], dict[Pass, torch.Tensor]]:
        """Return what each pass predicts the clean latents to be, of pictures and of sound."""
        passes = guidance.passes
        if Pass.NEGATIVE in passes and negative is None:
            raise ValueError("guidance by a negative prompt needs one")
        found: dict[Pass, tuple[torch.Tensor, torch.Tensor]] = {}
        if guidance.batched and negative is not None and Pass.NEGATIVE in passes:
            both = self._run(x, y, sigma, negative.with_(prompt), {})
            found = {Pass.NEGATIVE: both[0], Pass.PROMPT: both[1]}
        for name in passes:
            if name not in found:
                said = negative if name is Pass.NEGATIVE and negative is not None else prompt
                found[name] = self._run(x, y, sigma, said, _perturbation(name, guidance))[0]
        return (
            {name: self._predicted(x, pair[0], sigma, self.video) for name, pair in found.items()},
            {name: self._predicted(y, pair[1], sigma, self.audio) for name, pair in found.items()},
        )

    def _run(
        self, x: torch.Tensor, y: torch.Tensor, sigma: float, prompt: Prompt, extra: dict[str, Any]
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Run the transformer; return the velocities of each prompt in the batch."""
        count, device = prompt.video.shape[0], x.device
        shape = self.shape
        at = torch.tensor(sigma, device=device) * TIMESTEPS
        rope, audio_rope = self.transformer.rope, self.transformer.audio_rope
        pair = self.transformer(
            hidden_states=x.expand(count, -1, -1).to(self.dtype),
            audio_hidden_states=y.expand(count, -1, -1).to(self.dtype),
            encoder_hidden_states=prompt.video,
            audio_encoder_hidden_states=prompt.audio,
            timestep=(at * self.video.made).expand(count, -1),
            audio_timestep=(at * self.audio.made).expand(count, -1),
            sigma=(at * self.moving[0]).expand(count),
            audio_sigma=(at * self.moving[1]).expand(count),
            encoder_attention_mask=prompt.mask,
            audio_encoder_attention_mask=prompt.mask,
            num_frames=shape.frames,
            height=shape.height,
            width=shape.width,
            fps=shape.fps,
            audio_num_frames=shape.audio,
            video_coords=rope.prepare_video_coords(
                count, shape.frames, shape.height, shape.width, device, fps=shape.fps
            ),
            audio_coords=audio_rope.prepare_audio_coords(count, shape.audio, device),
            use_cross_timestep=self.cross_timestep,
            return_dict=False,
            **extra,
        )
        video, audio = (velocity.float() for velocity in pair)
        return [(video[n : n + 1], audio[n : n + 1]) for n in range(count)]

    @staticmethod
    def _predicted(
        x: torch.Tensor, velocity: torch.Tensor, sigma: float, side: Side
    ) -> torch.Tensor:
        made = side.made[None, :, None]
        return torch.where(made, x - velocity * torch.tensor(sigma, device=x.device), side.clean)


def _perturbation(name: Pass, guidance: Guidance) -> dict[str, Any]:
    if name is Pass.PERTURBED:
        return {"spatio_temporal_guidance_blocks": list(guidance.blocks)}
    return {"isolate_modalities": True} if name is Pass.ALONE else {}
