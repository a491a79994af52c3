"""The weights that `retake models pull` knows: where they lie, under which licence, what for.

What each folder holds and how large it is comes from the hub when it is asked; only what had to be
known beforehand stands here. Sizes are what was published of them, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retake.core.errors import BadRequest

Preset = Literal["fast", "quality"]

PARTS = (
    "transformer",
    "text_encoder",
    "connectors",
    "vae",
    "audio_vae",
    "vocoder",
    "tokenizer",
    "scheduler",
)
"""The folders that every model consists of."""
OPTIONAL_PARTS = ("latent_upsampler", "diffusion_decoder", "processor")
"""Folders that are used where a model has them; all others are left where they are."""


@dataclass(frozen=True)
class Licence:
    """What weights stand under; `text_url` shows it to people, `name` is what is recorded."""

    name: str
    date: str
    text_url: str


@dataclass(frozen=True)
class Model:
    """One set of weights.

    Attributes:
        name: What commands and settings call it.
        repository: Where it lies on the hub.
        family: LTX-2's generation.
        preset: What the weights are made for; `fast` ones are distilled.
        licence: What they stand under.
        gated: Whether the hub wants a token of somebody who was let in.
        about_gb: What a pull brings, in 10^9 bytes, roughly; None where it was not published.
        note: One sentence for those who choose.
    """

    name: str
    repository: str
    family: Literal["2.0", "2.3", "2.5"]
    preset: Preset
    licence: Licence
    gated: bool
    about_gb: int | None
    note: str

    @property
    def page(self) -> str:
        """The address of its page, where access is asked for."""
        return f"https://huggingface.co/{self.repository}"


LTX_2 = Licence(
    "LTX-2 Community License Agreement",
    "2026-01-05",
    "https://github.com/Lightricks/LTX-2/blob/main/LICENSE-2",
)
LTX_2_X = Licence(
    "LTX-2.x Community License Agreement",
    "2026-08-11",
    "https://github.com/Lightricks/LTX-2/blob/main/LICENSE-2_x",
)

CATALOGUE = (
    Model(
        "ltx-2.3",
        "diffusers/LTX-2.3-Diffusers",
        "2.3",
        "quality",
        LTX_2,
        gated=False,
        about_gb=101,
        note="Full weights: thirty guided steps; follows prompts best.",
    ),
    Model(
        "ltx-2.3-distilled",
        "diffusers/LTX-2.3-Distilled-Diffusers",
        "2.3",
        "fast",
        LTX_2,
        gated=False,
        about_gb=95,
        note="Distilled: eight steps without guidance.",
    ),
    Model(
        "ltx-2.5",
        "Lightricks/LTX-2.5-Diffusers",
        "2.5",
        "fast",
        LTX_2_X,
        gated=True,
        about_gb=71,
        note="Distilled, with a diffusion decoder; access has to be asked for.",
    ),
    Model(
        "ltx-2.0",
        "Lightricks/LTX-2",
        "2.0",
        "quality",
        LTX_2,
        gated=False,
        about_gb=None,
        note="The first generation, with 24 kHz sound.",
    ),
)
"""In the order in which they are preferred where several are there."""


def find_model(name: str) -> Model:
    """Return the model of that name or repository.

    Raises:
        BadRequest: The catalogue has none (``unknown_weights``).
    """
    for model in CATALOGUE:
        if name.lower() in (model.name, model.repository.lower()):
            return model
    raise BadRequest(
        "unknown_weights",
        f"there are no weights called {name[:80]!r}; accepted is "
        + ", ".join(model.name for model in CATALOGUE)
        + "; `retake models add FOLDER` takes any others that lie here",
        param="name",
    )
