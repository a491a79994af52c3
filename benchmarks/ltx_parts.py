"""LTX-2.3's parts for the benchmark: of full size with random weights, or the tests' tiny ones.

The sizes are those that diffusers' defaults and its own conversion script give for 2.3, with Gemma
3 12B as the text encoder. Random weights do the same work as trained ones, and need no download.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from retake.engines.ltx.components import Components

sys.path.insert(0, str(Path(__file__).parent.parent))

TRANSFORMER: dict[str, Any] = {
    "gated_attn": True,
    "cross_attn_mod": True,
    "audio_gated_attn": True,
    "audio_cross_attn_mod": True,
    "use_prompt_embeddings": False,
    "perturbed_attn": True,
    "rope_type": "split",
}
VAE: dict[str, Any] = {
    "block_out_channels": (256, 512, 1024, 1024),
    "decoder_block_out_channels": (256, 512, 512, 1024),
    "layers_per_block": (4, 6, 4, 2, 2),
    "decoder_layers_per_block": (4, 6, 4, 2, 2),
    "decoder_spatio_temporal_scaling": (True,) * 4,
    "decoder_inject_noise": (False,) * 5,
    "upsample_type": ("spatiotemporal", "spatiotemporal", "temporal", "spatial"),
    "upsample_residual": (False,) * 4,
    "upsample_factor": (2, 2, 1, 2),
    "decoder_causal": False,
    "encoder_spatial_padding_mode": "zeros",
    "decoder_spatial_padding_mode": "zeros",
    "spatial_compression_ratio": 32,
    "temporal_compression_ratio": 8,
}
CONNECTORS: dict[str, Any] = {
    "video_connector_num_attention_heads": 32,
    "video_connector_num_layers": 8,
    "video_gated_attn": True,
    "audio_connector_num_attention_heads": 32,
    "audio_connector_attention_head_dim": 64,
    "audio_connector_num_layers": 8,
    "audio_gated_attn": True,
    "rope_type": "split",
    "per_modality_projections": True,
    "proj_bias": True,
}
GEMMA: dict[str, Any] = {
    "vocab_size": 262208,
    "hidden_size": 3840,
    "intermediate_size": 15360,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 256,
    "sliding_window": 1024,
}
EYES: dict[str, Any] = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 896,
    "patch_size": 14,
    "vision_use_head": False,
}


def full_parts(device: str | torch.device, dtype: torch.dtype) -> dict[str, nn.Module]:
    """Build the parts of full size on a device, with random weights."""
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        LTX2VideoTransformer3DModel,
    )
    from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2VocoderWithBWE

    before = torch.get_default_dtype()
    # Made in the type they are kept in: float32 would take twice the card's memory for a moment.
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            parts: dict[str, nn.Module] = {
                "transformer": LTX2VideoTransformer3DModel(**TRANSFORMER),
                "vae": AutoencoderKLLTX2Video(**VAE),
                "audio_vae": AutoencoderKLLTX2Audio(),
                "connectors": LTX2TextConnectors(**CONNECTORS),
                "text_encoder": _gemma(),
            }
            torch.set_default_dtype(torch.float32)
            parts["vocoder"] = LTX2VocoderWithBWE()
    finally:
        torch.set_default_dtype(before)
    return {name: part.eval().requires_grad_(requires_grad=False) for name, part in parts.items()}


def full_components(device: torch.device) -> Components:
    """Build the model of full size on a device, in bfloat16."""
    return _components(full_parts(device, torch.bfloat16), device, torch.bfloat16)


def tiny_components(device: torch.device) -> Components:
    """Build the tests' tiny model on a device: bfloat16 on a GPU, as full-size weights are."""
    from tests.ltx.tiny import make_pipeline

    pipeline = make_pipeline(distilled=True)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    names = ("transformer", "vae", "audio_vae", "connectors", "text_encoder", "vocoder")
    kept = {name: torch.float32 if name == "vocoder" else dtype for name in names}
    parts = {name: getattr(pipeline, name).to(device, kept[name]) for name in names}
    return _components(parts, device, dtype)


def _components(parts: dict[str, Any], device: torch.device, dtype: torch.dtype) -> Components:
    from tests.ltx.tiny import make_scheduler, make_tokenizer

    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 1024
    return Components(
        **parts,
        tokenizer=tokenizer,
        scheduler=make_scheduler(distilled=True),
        device=device,
        dtype=dtype,
        family="2.3",
        distilled=True,
    )


def _gemma() -> nn.Module:
    from transformers import (
        Gemma3Config,
        Gemma3ForConditionalGeneration,
        Gemma3TextConfig,
        SiglipVisionConfig,
    )

    config = Gemma3Config(
        text_config=Gemma3TextConfig(**GEMMA),
        vision_config=SiglipVisionConfig(**EYES),
        mm_tokens_per_image=256,
    )
    return Gemma3ForConditionalGeneration(config)
