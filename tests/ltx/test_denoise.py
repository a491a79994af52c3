"""What is kept stays the very same numbers; what is made is what a plain loop makes."""

from __future__ import annotations

import copy
import threading
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.errors import Cancelled
from retake.core.watch import Watch
from retake.engines.ltx.components import Components
from retake.engines.ltx.denoise import Side, denoise
from retake.engines.ltx.guidance import Guidance, Scales
from retake.engines.ltx.latents import Shape, draw
from retake.engines.ltx.sigmas import distilled
from retake.engines.ltx.text import Prompt, encode
from tests.ltx.tiny import AUDIO_CHANNELS, CHANNELS

SHAPE = Shape(frames=4, height=2, width=3, audio=24, fps=24.0)
VIDEO = torch.tensor([0, 1, 1, 0]).repeat_interleave(6).bool()
AUDIO = torch.tensor([0] * 8 + [1] * 9 + [0] * 7).bool()
NOTHING, NO_SOUND = torch.zeros(24).bool(), torch.zeros(24).bool()
ALL_FOUR = Guidance(Scales(3.0, 1.0, 3.0, 0.7), Scales(7.0, 1.0, 3.0, 0.7), blocks=(1,))


def sides(video: torch.Tensor, audio: torch.Tensor, seed: int = 3) -> tuple[Side, Side]:
    """Return pictures and sound that are clean and noise of another seed."""
    clean = draw(SHAPE, CHANNELS, AUDIO_CHANNELS, 16, seed=100 + seed)
    noise = draw(SHAPE, CHANNELS, AUDIO_CHANNELS, 16, seed=seed)
    return Side(clean[0], noise[0], video), Side(clean[1], noise[1], audio)


@pytest.fixture(scope="module")
def prompts(components: Components) -> tuple[Prompt, Prompt]:
    return encode("a cat jumps", components), encode("blurred", components)


@pytest.mark.parametrize("guidance", [Guidance(), ALL_FOUR], ids=["plain", "guided"])
@pytest.mark.parametrize(
    ("video", "audio"),
    [(VIDEO, AUDIO), (VIDEO, NO_SOUND), (NOTHING, AUDIO)],
    ids=["both", "video", "audio"],
)
def test_kept_tokens_are_the_clean_ones_at_every_step_and_the_others_change(
    components: Components,
    prompts: tuple[Prompt, Prompt],
    video: torch.Tensor,
    audio: torch.Tensor,
    guidance: Guidance,
) -> None:
    one, other = sides(video, audio)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    denoise(
        components.transformer,
        one,
        other,
        SHAPE,
        prompts[0],
        distilled(),
        guidance,
        watch=Watch(),
        negative=prompts[1],
        step_done=lambda _step, x, y: seen.append((x, y)),
    )
    assert len(seen) == 8
    for x, y in seen:
        for made, side in ((x, one), (y, other)):
            difference = (made - side.clean).abs().amax(-1)[0]
            assert not difference[~side.made].any()
            assert (difference[side.made] > 0).all()
            assert torch.isfinite(made).all()


@settings(max_examples=15)
@given(
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=24, max_size=24),
)
def test_any_mask_keeps_what_it_keeps(
    components: Components, prompts: tuple[Prompt, Prompt], video: list[bool], audio: list[bool]
) -> None:
    one, other = sides(torch.tensor(video).repeat_interleave(6), torch.tensor(audio))
    x, y = denoise(
        components.transformer,
        one,
        other,
        SHAPE,
        prompts[0],
        distilled(2),
        Guidance(),
        watch=Watch(),
    )
    assert torch.equal(x[:, ~one.made], one.clean[:, ~one.made])
    assert torch.equal(y[:, ~other.made], other.clean[:, ~other.made])


def plain_loop(
    components: Components,
    prompts: tuple[Prompt, Prompt],
    one: Side,
    other: Side,
    sigmas: tuple[float, ...],
    guidance: Guidance,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Denoise in float64, token by token, as the formulas read."""
    transformer = copy.deepcopy(components.transformer).double()
    device = torch.device("cpu")
    coords = transformer.rope.prepare_video_coords(1, 4, 2, 3, device, fps=24.0)
    audio_coords = transformer.audio_rope.prepare_audio_coords(1, 24, device)
    values = [
        torch.where(side.made[None, :, None], side.noise, side.clean).double()
        for side in (one, other)
    ]
    masks = [side.made.double() for side in (one, other)]
    moving = [float(side.made.any()) for side in (one, other)]

    def velocities(prompt: Prompt, sigma: float, **extra: object) -> tuple[torch.Tensor, ...]:
        with torch.no_grad():
            return transformer(
                hidden_states=values[0],
                audio_hidden_states=values[1],
                encoder_hidden_states=prompt.video.double(),
                audio_encoder_hidden_states=prompt.audio.double(),
                timestep=(1000 * sigma * masks[0])[None],
                audio_timestep=(1000 * sigma * masks[1])[None],
                sigma=torch.tensor([1000 * sigma * moving[0]]).double(),
                audio_sigma=torch.tensor([1000 * sigma * moving[1]]).double(),
                encoder_attention_mask=prompt.mask,
                audio_encoder_attention_mask=prompt.mask,
                video_coords=coords,
                audio_coords=audio_coords,
                use_cross_timestep=True,
                return_dict=False,
                **extra,
            )

    for sigma, following in pairwise(sigmas):
        passes = [
            velocities(prompts[0], sigma),
            velocities(prompts[1], sigma),
            velocities(prompts[0], sigma, spatio_temporal_guidance_blocks=[1]),
            velocities(prompts[0], sigma, isolate_modalities=True),
        ]
        for at, (side, scales) in enumerate(((one, guidance.video), (other, guidance.audio))):
            prompt, negative, perturbed, alone = (
                [values[at][0, token] - sigma * run[at][0, token] for token in range(24)]
                for run in passes
            )
            tokens = [token for token in range(24) if side.made[token]]
            guided = {
                token: prompt[token]
                + (scales.cfg - 1) * (prompt[token] - negative[token])
                + scales.stg * (prompt[token] - perturbed[token])
                + (scales.modality - 1) * (prompt[token] - alone[token])
                for token in tokens
            }
            if tokens and scales.rescale:
                spread = torch.stack([prompt[token] for token in tokens]).std()
                ratio = spread / torch.stack(list(guided.values())).std()
                share = scales.rescale * ratio + 1 - scales.rescale
                guided = {token: share * value for token, value in guided.items()}
            for token in tokens:
                x = values[at][0, token]
                values[at][0, token] = guided[token] + (x - guided[token]) * following / sigma
    return values[0], values[1]


@pytest.mark.parametrize(
    ("video", "audio"),
    [(VIDEO, AUDIO), (VIDEO, NO_SOUND), (NOTHING, AUDIO)],
    ids=["both", "video", "audio"],
)
@pytest.mark.parametrize(
    ("guidance", "tolerance"),
    # Guidance multiplies what differs in the last bits by what its scales add up to.
    [(Guidance(), 1e-5), (ALL_FOUR, 1e-4)],
    ids=["plain", "guided"],
)
def test_a_plain_loop_in_float64_makes_the_same(
    components: Components,
    prompts: tuple[Prompt, Prompt],
    video: torch.Tensor,
    audio: torch.Tensor,
    guidance: Guidance,
    tolerance: float,
) -> None:
    one, other = sides(video, audio)
    x, y = denoise(
        components.transformer,
        one,
        other,
        SHAPE,
        prompts[0],
        distilled(),
        guidance,
        watch=Watch(),
        negative=prompts[1],
    )
    plain = plain_loop(components, prompts, one, other, distilled(), guidance)
    assert float((x - plain[0]).abs().max()) < tolerance
    assert float((y - plain[1]).abs().max()) < tolerance


def test_what_is_kept_has_a_say_in_what_is_made(
    components: Components, prompts: tuple[Prompt, Prompt]
) -> None:
    """Lip-sync and foley: the other modality, kept as a whole, is heard and seen."""
    one, other = sides(VIDEO, NO_SOUND)
    silent = Side(torch.zeros_like(other.clean), other.noise, other.made)
    made = [
        denoise(
            components.transformer,
            one,
            sound,
            SHAPE,
            prompts[0],
            distilled(2),
            Guidance(),
            watch=Watch(),
        )[0]
        for sound in (other, silent)
    ]
    assert float((made[0] - made[1]).abs().max()) > 1e-4


def test_a_cancel_takes_effect_between_two_blocks(
    components: Components, prompts: tuple[Prompt, Prompt]
) -> None:
    cancel = threading.Event()
    blocks = components.transformer.transformer_blocks
    hook = blocks[0].register_forward_hook(lambda *_: cancel.set())
    reached: list[int] = []
    late = blocks[1].register_forward_hook(lambda *_: reached.append(1))
    try:
        with pytest.raises(Cancelled):
            denoise(
                components.transformer,
                *sides(VIDEO, AUDIO),
                SHAPE,
                prompts[0],
                distilled(),
                Guidance(),
                watch=Watch(cancel=cancel),
            )
    finally:
        hook.remove()
        late.remove()
    assert not reached
    # Nothing is left hanging on the blocks for the next shot.
    assert not any(block._forward_pre_hooks for block in blocks)


def test_the_same_seed_gives_the_same_and_another_another(
    components: Components, prompts: tuple[Prompt, Prompt]
) -> None:
    made = [
        denoise(
            components.transformer,
            *sides(VIDEO, AUDIO, seed),
            SHAPE,
            prompts[0],
            distilled(2),
            Guidance(),
            watch=Watch(),
        )[0]
        for seed in (1, 1, 2)
    ]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
