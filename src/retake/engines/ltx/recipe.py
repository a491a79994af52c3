"""The recipe: how many steps, at which sigmas, guided how; from a preset and the user's options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from retake.engines.ltx.guidance import (
    QUALITY_AUDIO,
    QUALITY_VIDEO,
    Guidance,
    Scales,
    stg_blocks,
)
from retake.engines.ltx.sigmas import DISTILLED, distilled, shifted
from retake.engines.ltx.upscale import pays

if TYPE_CHECKING:
    from retake.engines.ltx.components import Components
    from retake.engines.ltx.info import Options
    from retake.engines.ltx.size import WorkingSize

QUALITY_STEPS = 30

NEGATIVE = (
    "blurred, out of focus, overexposed, noisy, flickering, jittery motion, distorted faces, extra "
    "limbs, deformed hands, subtitles, watermark, robotic voice, echo, sound out of sync"
)
"""What guidance leads away from where the user says nothing else."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a section is denoised.

    Attributes:
        fast: Whether the distilled weights' sigmas are taken.
        steps: Denoising steps.
        guidance: How strongly to guide.
        negative: The negative prompt.
        diffusion: Whether LTX-2.5's diffusion decoder decodes the pictures.
        notes: What the user should know.
        upscale: When pictures are made at half of the size first: ``never``, ``auto``, ``always``.
        doubles: Whether they are, at the size that the recipe is for.
    """

    fast: bool
    steps: int
    guidance: Guidance
    negative: str
    diffusion: bool = False
    notes: tuple[str, ...] = ()
    upscale: Literal["auto", "never", "always"] = "never"
    doubles: bool = False

    def at(self, size: WorkingSize) -> Recipe:
        """Return the recipe for a working size."""
        wanted = self.upscale == "always" or (self.upscale == "auto" and pays(size))
        if not wanted or size.half() is None:
            return self
        said = "Made at half of that size first, then doubled and refined in three steps."
        return replace(self, doubles=True, notes=(*self.notes, said))

    def sigmas(self, components: Components, tokens: int) -> tuple[float, ...]:
        """Return the sigmas for a window of so many video tokens, ending with 0."""
        if self.fast:
            return distilled(self.steps)
        return shifted(components.scheduler, self.steps, tokens)


def recipe_for(options: Options, components: Components) -> Recipe:
    """Return the recipe for a user's options.

    Where nothing is asked for, distilled weights take eight steps without guidance, full ones
    thirty steps with all of it.
    """
    notes = _notes(options, components)
    fast = components.distilled if options.preset is None else options.preset == "fast"
    video, audio = (Scales(), Scales()) if fast else (QUALITY_VIDEO, QUALITY_AUDIO)
    if not _perturbs(components):
        options = replace(options, stg_scale=0.0)
    blocks = stg_blocks(components.family, len(components.transformer.transformer_blocks))
    return Recipe(
        fast=fast,
        steps=options.num_inference_steps or (len(DISTILLED) if fast else QUALITY_STEPS),
        guidance=Guidance(
            _scaled(video, options, options.guidance_scale),
            _scaled(audio, options, options.audio_guidance_scale),
            blocks,
        ),
        negative=NEGATIVE if options.negative_prompt is None else options.negative_prompt,
        diffusion=options.decoder == "diffusion" and components.diffusion_decoder is not None,
        notes=notes,
        upscale=options.upscale if fast and can_double(components) else "never",
    )


def _scaled(scales: Scales, options: Options, cfg: float | None) -> Scales:
    asked = {
        "cfg": cfg,
        "stg": options.stg_scale,
        "modality": options.modality_scale,
        "rescale": options.guidance_rescale,
    }
    return replace(scales, **{name: value for name, value in asked.items() if value is not None})


def can_double(components: Components) -> bool:
    """Return whether the weights can make pictures in two stages."""
    return components.distilled and components.upsampler is not None


def _perturbs(components: Components) -> bool:
    """Return whether the transformer can leave out attention, as spatio-temporal guidance does."""
    return bool(components.transformer.config["perturbed_attn"])


def _notes(options: Options, components: Components) -> tuple[str, ...]:
    said: list[str] = []
    if options.preset == "fast" and not components.distilled:
        said.append("The preset fast is made for distilled weights; these are full ones.")
    if options.preset == "quality" and components.distilled:
        said.append("The preset quality is made for full weights; these are distilled ones.")
    if options.stg_scale and not _perturbs(components):
        said.append("These weights were not made for stg_scale; it was left out.")
    if options.upscale == "always" and not (options.preset != "quality" and can_double(components)):
        said.append(
            "Only distilled weights with a latent_upsampler work in two stages; it was one."
        )
    if options.decoder == "diffusion" and components.diffusion_decoder is None:
        said.append("These weights have no diffusion decoder; the VAE decoded the pictures.")
    return tuple(said)
