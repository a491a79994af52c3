"""The parts of an LTX-2 model, loaded from a folder laid out as diffusers lays it out.

The folder holds ``model_index.json`` and one folder each for transformer, vae, audio_vae, vocoder,
connectors, text_encoder, tokenizer and scheduler; LTX-2.5's may hold a diffusion_decoder too. Which
class a part has is read from the index, and only the classes named here are ever built.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from retake.core.errors import EngineFailed

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl_ltx2 import AutoencoderKLLTX2Video
    from diffusers.models.autoencoders.autoencoder_kl_ltx2_audio import AutoencoderKLLTX2Audio
    from diffusers.models.transformers.transformer_ltx2 import LTX2VideoTransformer3DModel
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
        FlowMatchEulerDiscreteScheduler,
    )

Family = Literal["2.0", "2.3", "2.5"]

PROMPT_TOKENS = 1024
"""Tokens of a prompt that the text encoder was trained with; longer ones are cut there."""

_CLASSES = {
    "transformer": ("LTX2VideoTransformer3DModel",),
    "vae": ("AutoencoderKLLTX2Video",),
    "audio_vae": ("AutoencoderKLLTX2Audio",),
    "vocoder": ("LTX2Vocoder", "LTX2VocoderWithBWE"),
    "connectors": ("LTX2TextConnectors",),
    "text_encoder": (
        "Gemma3ForConditionalGeneration",
        "Gemma4ForConditionalGeneration",
        "Gemma4UnifiedForConditionalGeneration",
    ),
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    "diffusion_decoder": ("LTX2VideoDiffusionDecoderModel",),
    "latent_upsampler": ("LTX2LatentUpsamplerModel",),
}
_OPTIONAL = frozenset({"diffusion_decoder", "latent_upsampler"})


@dataclass(frozen=True)
class Components:
    """One model's parts, ready to be used.

    Attributes:
        transformer, vae, audio_vae, connectors, text_encoder: In `dtype` on `device`.
        vocoder: Always in float32: its bandwidth extension goes wrong in bfloat16.
        tokenizer: Of the text encoder.
        scheduler: Holds the numbers that the full weights' sigmas are computed with.
        upsampler: Doubles video latents in height and width; None where the folder has none.
        diffusion_decoder: Decodes LTX-2.5's video latents in place of the VAE's own decoder.
        device: Where the latents live.
        dtype: What the transformer computes in; latents are kept in float32.
        family: Which generation the weights are of.
        distilled: Whether the weights take eight steps without guidance.
    """

    transformer: LTX2VideoTransformer3DModel
    vae: AutoencoderKLLTX2Video
    audio_vae: AutoencoderKLLTX2Audio
    vocoder: Any
    connectors: Any
    text_encoder: Any
    tokenizer: Any
    scheduler: FlowMatchEulerDiscreteScheduler
    device: torch.device
    dtype: torch.dtype
    family: Family
    distilled: bool
    upsampler: Any = None
    diffusion_decoder: Any = None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of a prompt that are read."""
        return min(PROMPT_TOKENS, int(self.tokenizer.model_max_length))


def load(
    folder: Path, device: str | torch.device, dtype: torch.dtype, *, distilled: bool | None = None
) -> Components:
    """Return the parts that lie in `folder`.

    Args:
        folder: Laid out as diffusers' `save_pretrained` leaves an LTX-2 pipeline.
        device: Where to put them.
        dtype: What to compute in.
        distilled: Whether the weights are distilled ones; None reads it from the scheduler's
            configuration, which does not shift its sigmas there.

    Raises:
        EngineFailed: A part is missing (``weights_missing``), of a class that is not LTX-2's
            (``weights_unknown``) or cannot be read (``weights_unreadable``).
    """
    index = read_index(folder)
    device = torch.device(device)
    with _quiet():
        parts = {name: _load_part(folder, name, index, device, dtype) for name in _CLASSES}
    transformer, scheduler = parts["transformer"], parts["scheduler"]
    return Components(
        transformer=transformer,
        vae=parts["vae"],
        audio_vae=parts["audio_vae"],
        vocoder=parts["vocoder"],
        connectors=parts["connectors"],
        text_encoder=parts["text_encoder"],
        tokenizer=_load_tokenizer(folder),
        scheduler=scheduler,
        device=device,
        dtype=dtype,
        family=family_of(transformer.config, index["text_encoder"][1]),
        distilled=not scheduler.config.use_dynamic_shifting if distilled is None else distilled,
        upsampler=parts["latent_upsampler"],
        diffusion_decoder=parts["diffusion_decoder"],
    )


def read_index(folder: Path) -> dict[str, Any]:
    """Return a folder's ``model_index.json``: the library and the class of each part.

    Raises:
        EngineFailed: There is none, or it is no index (``weights_missing``).
    """
    path = folder / "model_index.json"
    try:
        index = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EngineFailed(
            "weights_missing",
            f"{folder.name!r} is no folder of LTX-2 weights: its model_index.json cannot be read; "
            "`retake models pull` fetches one, RETAKE_LTX_WEIGHTS names it",
        ) from error
    return index if isinstance(index, dict) else {}


def family_of(config: Any, text_encoder: str) -> Family:
    """Return which generation a transformer is of.

    Args:
        config: The transformer's configuration. 2.0 projects the prompt itself; 2.5's prompt
            modulation does not depend on the time step.
        text_encoder: Class name of the text encoder; from 2.5 on it is a Gemma 4.
    """
    if config.use_prompt_embeddings:
        return "2.0"
    return (
        "2.5" if text_encoder.startswith("Gemma4") or not config.use_prompt_adaln_single else "2.3"
    )


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the libraries' bars off the terminal, which has one of its own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _load_part(
    folder: Path, name: str, index: dict[str, Any], device: torch.device, dtype: torch.dtype
) -> Any:
    kind = _named(folder, name, index)
    if kind is None and name in _OPTIONAL:
        return None
    if kind is None or not (folder / name).is_dir():
        raise EngineFailed(
            "weights_missing",
            f"{folder.name!r} holds no {name}; an LTX-2 folder in diffusers' layout is needed",
        )
    if kind not in _CLASSES[name]:
        raise EngineFailed(
            "weights_unknown",
            f"the {name} in {folder.name!r} is a {str(kind)[:60]}; accepted is "
            + " or ".join(_CLASSES[name]),
        )
    try:
        if name == "scheduler":
            return _class(kind).from_pretrained(folder / name, local_files_only=True)
        kept = torch.float32 if name == "vocoder" else dtype
        part = _class(kind).from_pretrained(folder / name, local_files_only=True, dtype=kept)
        return part.eval().to(device)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _unreadable(folder, name) from error


def _named(folder: Path, name: str, index: dict[str, Any]) -> str | None:
    """Return the class of a part; None where there is no such part."""
    named = index.get(name)
    if isinstance(named, list) and len(named) == 2 and named[1] is not None:
        return str(named[1])
    if name not in _OPTIONAL:
        return None
    # They belong to pipelines of their own, so that the index may not speak of them.
    try:
        return json.loads((folder / name / "config.json").read_text("utf-8")).get("_class_name")
    except (OSError, ValueError, AttributeError):
        return None


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(folder, "tokenizer") from error


def _unreadable(folder: Path, name: str) -> EngineFailed:
    return EngineFailed(
        "weights_unreadable",
        f"the {name} in {folder.name!r} cannot be read; `retake models verify` says which file is "
        "damaged",
    )


def _class(kind: str) -> Any:
    import diffusers
    import transformers
    from diffusers.pipelines import ltx2

    for library in (diffusers, ltx2, transformers):
        if hasattr(library, kind):
            return getattr(library, kind)
    raise EngineFailed(
        "weights_unknown",
        f"the installed diffusers and transformers have no {kind}; "
        "`pip install -U 'openretake[ltx]'` brings versions that do",
    )
