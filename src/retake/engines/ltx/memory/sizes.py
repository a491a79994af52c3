"""Parameters of the full-size parts, and what passing a window through them takes.

No figure here was measured on a GPU: this was written where there was none. The parameters are
counted, and the bytes and floating-point operations computed, by passing full-size inputs through
diffusers' own classes on the meta device, which computes nothing and keeps book of every tensor
that is alive. `python benchmarks/ltx.py --constants` does it again and prints them. What
a meta device cannot show is an allowance, named so: the CUDA context, the work space of
convolutions, and what the caching allocator cannot use between its blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GIB = 1 << 30

PARTS = (
    "transformer",
    "text_encoder",
    "connectors",
    "vae_encoder",
    "vae_decoder",
    "audio_vae",
    "vocoder",
    "upsampler",
)

DENOISE_BYTES_PER_TOKEN = 312_000
"""Peak of one transformer pass per video token and batch element, in 2-byte numbers: computed, with
a time step for every token, whose modulation alone is 9 x 4096 numbers."""

DECODE_BYTES_PER_PIXEL = 76
"""Peak of the video VAE's decoder for every pixel of every frame, its output included: computed."""

ENCODE_BYTES_PER_PIXEL = 90
"""Likewise its encoder: computed."""

SOUND_BYTES_PER_SECOND = 47_000_000
"""Peak of audio VAE and vocoder for a second of sound, in 4-byte numbers: computed."""

TEXT_BYTES_PER_TOKEN = 2_700_000
"""Peak of text encoder and connectors for one token of the prompt: computed for the connectors
(1.65 MB), an allowance for the text encoder, whose 49 hidden states alone are 0.38 MB."""

DEVICE_ALLOWANCE_BYTES = 1_200_000_000
"""An allowance: CUDA's context and the work space of matrix products and convolutions."""

SLACK = 1.06
"""An allowance: what the allocator holds and cannot use, as a factor on activations."""

STEP_FLOPS_PER_TOKEN = 2.615e10
"""Operations of one pass per video token, attention left out: computed."""

STEP_FLOPS_PER_PAIR = 4 * 4096 * 48
"""Operations of one pass per pair of video tokens, in attention: 4 x width x blocks."""

STEP_FLOPS_FIXED = 5.4e12
"""Operations of one pass for sound and prompt, at 175 audio latents and 1024 tokens: computed."""

DECODE_FLOPS_PER_PIXEL = 2.47e6
"""Operations of the video VAE's decoder for every pixel of every frame: computed."""

ENCODE_FLOPS_PER_PIXEL = 2.40e6
"""Likewise its encoder: computed."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Parameters by part, and how large the pieces are in which the two large parts can be held.

    Attributes:
        parameters: By the names in `PARTS`.
        outside: Of the parts that can be quantised and streamed, what lies outside their blocks:
            embeddings, modulation, projections in and out. It is neither quantised nor streamed.
        block: One block of them.
        bytes_each: Bytes of one parameter as loaded.
    """

    parameters: dict[str, int]
    outside: dict[str, int]
    block: dict[str, int]
    bytes_each: int = 2

    @property
    def total(self) -> int:
        """Parameters of all parts."""
        return sum(self.parameters.values())

    @property
    def full_size(self) -> bool:
        """Whether these are the published parts; what tests use is thousands of times smaller."""
        return self.total > 1_000_000_000

    @staticmethod
    def of(components: Any) -> Sizes:
        """Count the parts of loaded components (`Components`), without touching their numbers."""
        from retake.engines.ltx.memory.counting import count

        return count(components)


LTX_2_3 = Sizes(
    parameters={
        "transformer": 18_988_838_144,
        "text_encoder": 12_187_325_040,
        "connectors": 3_172_227_584,
        "vae_encoder": 318_936_897,
        "vae_decoder": 407_169_072,
        "audio_vae": 53_248_146,
        "vocoder": 128_537_448,
        "upsampler": 497_867_904,
    },
    outside={"transformer": 427_460_864, "text_encoder": 1_428_173_424, "connectors": 1_333_760},
    block={"transformer": 386_695_360, "text_encoder": 224_148_992, "connectors": 770_707_456},
)
"""LTX-2.3 with Gemma 3 12B: counted on the meta device."""
