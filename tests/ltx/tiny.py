"""Tiny random components of the real LTX-2 classes: real geometry, nothing to download.

8x in time and 32x in space, 64 mel bands, 25 audio latents a second, 48 kHz out of the vocoder; the
widths are small, so that a window of 49 frames of 64x96 takes a second on one core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    FlowMatchEulerDiscreteScheduler,
    LTX2Pipeline,
    LTX2VideoTransformer3DModel,
)
from diffusers.models.autoencoders.ltx2_diffusion_decoder import LTX2VideoDiffusionDecoderModel
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder, LTX2VocoderWithBWE
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    Gemma4UnifiedConfig,
    Gemma4UnifiedForConditionalGeneration,
    Gemma4UnifiedTextConfig,
    Gemma4UnifiedVisionConfig,
    PreTrainedTokenizerFast,
    SiglipVisionConfig,
)

CHANNELS, AUDIO_CHANNELS, MEL_BANDS = 8, 2, 64
PROMPT_TOKENS = 64
_SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<boi>", "<eoi>", "<image>")


def save_tiny(folder: Path, family: str = "2.3", *, distilled: bool = False) -> Path:
    """Write a folder laid out as diffusers lays out LTX-2's; the same bytes every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = make_pipeline(family, distilled=distilled)
        pipeline.save_pretrained(folder)
        if family == "2.5":
            make_diffusion_decoder().save_pretrained(folder / "diffusion_decoder")
    return folder


def make_pipeline(family: str = "2.3", *, distilled: bool = False) -> LTX2Pipeline:
    """Build diffusers' own text-to-video pipeline from tiny random components."""
    return LTX2Pipeline(
        scheduler=make_scheduler(distilled=distilled),
        vae=make_vae(),
        audio_vae=make_audio_vae(),
        text_encoder=make_later_text_encoder() if family == "2.5" else make_text_encoder(),
        tokenizer=make_tokenizer(),
        connectors=make_connectors(family),
        transformer=make_transformer(family),
        vocoder=make_vocoder(family),
    )


def make_scheduler(*, distilled: bool) -> FlowMatchEulerDiscreteScheduler:
    """Build the scheduler with the real numbers; the distilled weights' does not shift."""
    if distilled:
        return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=False, shift_terminal=None)
    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=0.95,
        max_shift=2.05,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        shift_terminal=0.1,
    )


def make_vae() -> AutoencoderKLLTX2Video:
    """Build a video VAE; its statistics are not those of a standard normal, as the real one's."""
    vae = AutoencoderKLLTX2Video(
        latent_channels=CHANNELS,
        block_out_channels=(16, 16, 16, 16),
        decoder_block_out_channels=(8, 16, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True,) * 4,
        decoder_spatio_temporal_scaling=(True,) * 4,
        decoder_inject_noise=(False,) * 5,
        downsample_type=("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
        upsample_type=("spatiotemporal", "spatiotemporal", "temporal", "spatial"),
        upsample_residual=(False,) * 4,
        upsample_factor=(2, 2, 1, 2),
        patch_size=4,
        decoder_causal=False,
        encoder_spatial_padding_mode="zeros",
        decoder_spatial_padding_mode="zeros",
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )
    vae.latents_mean.copy_(0.05 * torch.randn(CHANNELS))
    vae.latents_std.copy_(0.3 + 0.2 * torch.rand(CHANNELS))
    return vae.eval()


def make_audio_vae() -> AutoencoderKLLTX2Audio:
    """Build an audio VAE for 16 kHz log-mel of 64 bands."""
    vae = AutoencoderKLLTX2Audio(
        base_channels=AUDIO_CHANNELS * 16,
        latent_channels=AUDIO_CHANNELS,
        output_channels=2,
        in_channels=2,
        ch_mult=(1, 2, 4),
        num_res_blocks=1,
        attn_resolutions=None,
        resolution=256,
        norm_type="pixel",
        causality_axis="height",
        mid_block_add_attention=False,
        sample_rate=16000,
        mel_hop_length=160,
        is_causal=True,
        mel_bins=MEL_BANDS,
        double_z=True,
    )
    vae.latents_mean.copy_(0.05 * torch.randn(vae.latents_mean.shape))
    vae.latents_std.copy_(0.3 + 0.2 * torch.rand(vae.latents_std.shape))
    return vae.eval()


def make_vocoder(family: str = "2.3") -> LTX2Vocoder | LTX2VocoderWithBWE:
    """Build a vocoder: 2.0's gives 24 kHz, later ones extend the bandwidth to 48 kHz."""
    if family == "2.0":
        return LTX2Vocoder(in_channels=2 * MEL_BANDS, hidden_channels=64, out_channels=2).eval()
    return LTX2VocoderWithBWE(
        in_channels=2 * MEL_BANDS,
        hidden_channels=64,
        out_channels=2,
        upsample_kernel_sizes=[11, 4, 4, 4, 4, 4],
        upsample_factors=[5, 2, 2, 2, 2, 2],
        resnet_kernel_sizes=[3],
        resnet_dilations=[[1, 3, 5]],
        bwe_in_channels=2 * MEL_BANDS,
        bwe_hidden_channels=32,
        bwe_out_channels=2,
        bwe_upsample_kernel_sizes=[12, 11, 4, 4, 4],
        bwe_upsample_factors=[6, 5, 2, 2, 2],
        bwe_resnet_kernel_sizes=[3],
        bwe_resnet_dilations=[[1, 3, 5]],
        filter_length=512,
        hop_length=80,
        window_length=512,
        num_mel_channels=MEL_BANDS,
        input_sampling_rate=16000,
        output_sampling_rate=48000,
    ).eval()


def make_transformer(family: str = "2.3") -> LTX2VideoTransformer3DModel:
    """Build a transformer of two blocks."""
    later = family != "2.0"
    latest: dict[str, Any] = {}
    if family == "2.5":
        latest = {"ff_bias": False, "use_prompt_adaln_single": False}
        latest["use_keyframes_abs_pos_embedding"] = True
    return LTX2VideoTransformer3DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=16,
        cross_attention_dim=32,
        audio_in_channels=AUDIO_CHANNELS * 16,
        audio_out_channels=AUDIO_CHANNELS * 16,
        audio_num_attention_heads=2,
        audio_attention_head_dim=8,
        audio_cross_attention_dim=16,
        num_layers=2,
        caption_channels=16,
        rope_double_precision=False,
        rope_type="split",
        gated_attn=later,
        cross_attn_mod=later,
        audio_gated_attn=later,
        audio_cross_attn_mod=later,
        use_prompt_embeddings=not later,
        perturbed_attn=later,
        **latest,
    ).eval()


def make_connectors(family: str = "2.3") -> LTX2TextConnectors:
    """Build what turns the text encoder's hidden states into the two prompts."""
    later = family != "2.0"
    wide: dict[str, Any] = {}
    if later:
        wide = {"video_hidden_dim": 32, "audio_hidden_dim": 16, "proj_bias": True}
    return LTX2TextConnectors(
        caption_channels=16,
        text_proj_in_factor=3,
        video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=16 if later else 8,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=4,
        video_gated_attn=later,
        audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=8,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=4,
        audio_gated_attn=later,
        connector_rope_base_seq_len=32,
        rope_theta=10000.0,
        rope_double_precision=False,
        causal_temporal_positioning=False,
        rope_type="split",
        per_modality_projections=later,
        **wide,
    ).eval()


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Build a tokenizer of one token a byte, so that every two prompts differ."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*_SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        model_max_length=PROMPT_TOKENS,
        padding_side="left",
    )


def make_text_encoder() -> Gemma3ForConditionalGeneration:
    """Build a Gemma 3 of two layers; its vision half is never asked."""
    config = Gemma3Config(
        text_config=Gemma3TextConfig(
            vocab_size=512,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            sliding_window=16,
        ),
        vision_config=SiglipVisionConfig(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=28,
            patch_size=14,
        ),
        mm_tokens_per_image=4,
        boi_token_index=4,
        eoi_token_index=5,
        image_token_index=6,
    )
    return Gemma3ForConditionalGeneration(config).eval()


def make_later_text_encoder() -> Gemma4UnifiedForConditionalGeneration:
    """Build LTX-2.5's: a Gemma 4 of two layers."""
    config = Gemma4UnifiedConfig(
        text_config=Gemma4UnifiedTextConfig(
            vocab_size=512,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            sliding_window=16,
            layer_types=["sliding_attention", "full_attention"],
        ),
        vision_config=Gemma4UnifiedVisionConfig(
            mm_embed_dim=16, mm_posemb_size=16, output_proj_dims=16
        ),
        audio_config=None,
        boi_token_id=4,
        eoi_token_id=5,
        image_token_id=6,
        video_token_id=7,
        boa_token_id=8,
        eoa_token_index=9,
        audio_token_id=10,
    )
    return Gemma4UnifiedForConditionalGeneration(config).eval()


def make_diffusion_decoder() -> LTX2VideoDiffusionDecoderModel:
    """Build LTX-2.5's decoder, with attention to so small a neighbourhood that 64x64 suffices."""
    decoder = LTX2VideoDiffusionDecoderModel(
        latent_channels=CHANNELS,
        decoder_head_dim=8,
        decoder_stage_channels=(64, 32, 16, 16, 8),
        decoder_stage_depths=(1, 1, 1, 1, 1),
        decoder_stage_kernels=((1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1)),
        decoder_stage5_kernel=(3, 3, 3),
        decoder_t_emb_dim=16,
    )
    return decoder.eval()
