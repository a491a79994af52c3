"""How much there is to do: the size of a window and of its latents, and the phases of making it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

SPACE, TIME = 32, 8
"""Pixels per video latent in height and width, frames per latent; the first latent is one frame."""

SMALLEST_PIXELS = 256 * 256
"""The working size is never made smaller than so many pixels."""


class Phase(StrEnum):
    """The phases of making a window, in order. Each has its own peak of memory."""

    ENCODE = "encode"
    TEXT = "text"
    DENOISE = "denoise"
    DECODE = "decode"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Work:
    """One window as the model sees it.

    Attributes:
        width, height: Pixels of the working size, multiples of 32.
        frames: 8k + 1.
        audio_latents: 25 a second.
        steps: Denoising steps.
        passes: Runs of the transformer a step: 1 without guidance, up to 4 with it.
        together: How many of the passes go through the transformer at once, as a batch.
        prompt_tokens: Length that prompts are padded to.
    """

    width: int
    height: int
    frames: int
    audio_latents: int
    steps: int = 8
    passes: int = 1
    together: int = 1
    prompt_tokens: int = 1024

    @property
    def latent_frames(self) -> int:
        """Video latents in time."""
        return (self.frames - 1) // TIME + 1

    @property
    def video_tokens(self) -> int:
        """Video latents altogether; the transformer sees each as one token."""
        return self.latent_frames * -(-self.width // SPACE) * -(-self.height // SPACE)

    @property
    def pixels(self) -> int:
        """Pixels of one frame."""
        return self.width * self.height

    @property
    def seconds_of_sound(self) -> float:
        """Seconds that the audio latents last."""
        return self.audio_latents / 25

    def within(self, pixels: int | None) -> Work:
        """Return the same work at a size of at most `pixels`, of about the same shape."""
        if pixels is None or pixels >= self.pixels:
            return self
        shrink = math.sqrt(pixels / self.pixels)
        width, height = (
            max(int(side * shrink) // SPACE, 1) * SPACE for side in (self.width, self.height)
        )
        # A strip cannot become thinner than a latent, so it becomes shorter.
        latents = pixels // SPACE**2
        width = min(width, max(latents // (height // SPACE), 1) * SPACE)
        height = min(height, max(latents // (width // SPACE), 1) * SPACE)
        return replace(self, width=width, height=height)
