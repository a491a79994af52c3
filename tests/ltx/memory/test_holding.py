"""The rungs on tiny weights of the real classes, and the way down them by injected failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from retake.core.errors import EngineFailed
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.memory.attempts import Attempt, Memory
from retake.engines.ltx.memory.card import Card, read_card, too_small
from retake.engines.ltx.memory.configuration import LARGE_PARTS, TILES, Configuration
from retake.engines.ltx.memory.counting import blocks_of, bytes_of, count, parts_of
from retake.engines.ltx.memory.float8 import ScaledLinear, quantise, quantised
from retake.engines.ltx.memory.ladder import USUAL
from retake.engines.ltx.memory.place import Places
from retake.engines.ltx.memory.sizes import GIB, LTX_2_3
from retake.engines.ltx.memory.work import Phase, Work

CPU = torch.device("cpu")
TINY = Work(width=96, height=64, frames=17, audio_latents=18)


@pytest.fixture
def own(ltx_folder: Path) -> Components:
    """Parts that a test may change."""
    return load(ltx_folder, "cpu", torch.float32)


def denoised(components: Components) -> torch.Tensor:
    """One pass of the transformer over a fixed input, both modalities in one tensor."""
    generator = torch.Generator().manual_seed(0)
    video = torch.randn(1, 3 * 2 * 3, 8, generator=generator)
    audio = torch.randn(1, 18, 32, generator=generator)
    text = torch.randn(1, 5, 32, generator=generator)
    sigma = torch.tensor([700.0])
    with torch.no_grad():
        made = components.transformer(
            hidden_states=video,
            audio_hidden_states=audio,
            encoder_hidden_states=text,
            audio_encoder_hidden_states=text[..., :16],
            timestep=sigma.expand(1, 18),
            audio_timestep=sigma.expand(1, 18),
            sigma=sigma,
            audio_sigma=sigma,
            num_frames=3,
            height=2,
            width=3,
            fps=24.0,
            audio_num_frames=18,
            use_cross_timestep=True,
            return_dict=False,
        )
    return torch.cat([one.flatten() for one in made])


def read(components: Components) -> torch.Tensor:
    """The text encoder's hidden states of a fixed prompt."""
    tokens = components.tokenizer("a cat", return_tensors="pt")
    with torch.no_grad():
        states = components.text_encoder(**tokens, output_hidden_states=True).hidden_states
    return torch.stack(states)


def test_streaming_changes_nothing_and_can_be_undone(own: Components):
    before = denoised(own), read(own)
    places = Places(own, CPU)
    places.hold(Configuration(swapped=True, streamed=frozenset(LARGE_PARTS)))
    assert torch.equal(denoised(own), before[0])
    assert torch.equal(read(own), before[1])
    places.hold(Configuration(swapped=True))
    assert torch.equal(denoised(own), before[0])
    assert not any(
        hasattr(module, "_diffusers_hook") and module._diffusers_hook.hooks
        for module in own.transformer.modules()
    )


def test_streamed_quantised_blocks_give_what_quantised_ones_give(own: Components):
    places = Places(own, CPU)
    places.hold(Configuration(swapped=True, float8=frozenset(LARGE_PARTS)))
    before = denoised(own), read(own)
    places.hold(
        Configuration(swapped=True, float8=frozenset(LARGE_PARTS), streamed=frozenset(LARGE_PARTS))
    )
    assert torch.equal(denoised(own), before[0])
    assert torch.equal(read(own), before[1])


def test_quantised_blocks_take_a_quarter_of_float32_and_change_a_few_hundredths(own: Components):
    plain = denoised(own)
    held = sum(bytes_of(one) for one in blocks_of(own.transformer, "transformer"))
    Places(own, CPU).hold(Configuration(float8=frozenset({"transformer"})))
    eight = denoised(own)
    now = sum(bytes_of(one) for one in blocks_of(own.transformer, "transformer"))
    assert now < 0.5 * held  # a tiny block is full of norms and biases that stay as they are
    assert 0 < (eight - plain).norm() / plain.norm() < 0.05


@pytest.mark.parametrize("spread", [1.0, 0.02])
def test_scaled_rows_keep_a_weight_better_than_bare_float8_does(spread: float):
    weight = spread * torch.randn(256, 512, generator=torch.Generator().manual_seed(0))
    stored, scale = quantised(weight)
    assert stored.dtype == torch.float8_e4m3fn
    bare = weight.to(torch.float8_e4m3fn).float()
    lost = (stored.float() * scale - weight).norm() / weight.norm()
    assert lost < 0.03
    assert lost < 0.9 * (bare - weight).norm() / weight.norm() or spread == 1.0


def test_a_scaled_layer_follows_a_device_and_never_a_type():
    layer = torch.nn.Linear(8, 4)
    holder = torch.nn.Sequential(layer)
    assert quantise([holder]) == 1
    assert quantise([holder]) == 0
    scaled = holder[0]
    assert isinstance(scaled, ScaledLinear)
    before = scaled.weight.clone(), scaled.scale.clone()
    holder.to(torch.bfloat16)
    assert scaled.weight.dtype == torch.float8_e4m3fn
    assert scaled.scale.dtype == torch.float32
    assert torch.equal(scaled.scale, before[1])
    assert scaled.bias.dtype == torch.float32
    assert holder(torch.ones(2, 8)).shape == (2, 4)


def test_the_parts_are_counted_as_they_are(own: Components):
    sizes = count(own)
    vae = sum(one.numel() for one in own.vae.parameters())
    assert sizes.parameters["vae_encoder"] + sizes.parameters["vae_decoder"] == vae
    assert sizes.parameters["transformer"] == sum(p.numel() for p in own.transformer.parameters())
    assert 0 < sizes.outside["transformer"] < sizes.parameters["transformer"]
    two = sizes.parameters["transformer"] - sizes.outside["transformer"]
    assert sizes.block["transformer"] * 2 == two
    assert not sizes.full_size
    assert LTX_2_3.full_size


class Failing:
    """Runs out of memory in chosen phases so often, then does its work."""

    def __init__(self, failures: dict[Phase, int]) -> None:
        self.failures = dict(failures)
        self.ways: list[str] = []

    def __call__(self, attempt: Attempt) -> str:
        for phase in Phase:
            attempt.phase(phase, lambda phase=phase: self.one(phase, attempt))
        return "made"

    def one(self, phase: Phase, attempt: Attempt) -> Any:
        if self.failures.get(phase, 0):
            self.failures[phase] -= 1
            self.ways.append(attempt.way.name)
            raise torch.OutOfMemoryError("CUDA out of memory, as this test wants it")
        return denoised(attempt.components) if phase is Phase.DENOISE else None


def test_failures_walk_down_the_whole_ladder_and_are_told(own: Components):
    memory = Memory(own, read_card("cpu"))
    failing = Failing({Phase.DENOISE: 4})
    work = Work(width=512, height=512, frames=17, audio_latents=18)
    said: list[tuple[str, ...]] = []

    def attempt(one: Attempt) -> str:
        made = failing(one)
        said.append(one.notes)
        return made

    assert memory.run(work, attempt) == "made"
    assert failing.ways == [
        "bf16, all loaded",
        "bf16, one part at a time",
        "fp8, one part at a time",
        "fp8, one part at a time, streamed",
    ]
    notes = "\n".join(said[-1])
    assert notes.count("Out of memory in denoise") == 4
    assert "8-bit" in notes
    assert "megapixels" in notes


def test_a_decoder_that_fails_gets_smaller_tiles_and_then_a_smaller_size(own: Components):
    memory = Memory(own, read_card("cpu"))
    failing = Failing({Phase.DECODE: 2 + len(TILES)})
    assert memory.run(USUAL, failing) == "made"
    assert [name.rsplit(", ", 1)[1] for name in failing.ways] == [
        "all loaded",
        "one part at a time",
        *(f"tiles {tiles.edge}x{tiles.frames}" for tiles in TILES),
    ]


def test_what_was_quantised_for_want_of_memory_stays_so_for_the_next_shot(own: Components):
    memory = Memory(own, read_card("cpu"))
    memory.run(TINY, Failing({Phase.DENOISE: 2}))
    assert any(isinstance(one, ScaledLinear) for one in own.transformer.modules())
    assert memory.start.float8 == {"transformer"}


def test_at_the_bottom_the_error_says_what_the_card_has_and_what_to_type(own: Components):
    memory = Memory(own, read_card("cpu"))
    with pytest.raises(EngineFailed) as caught:
        memory.run(TINY, Failing({Phase.TEXT: 99}))
    assert caught.value.code in ("card_too_small", "no_gpu")
    card = Card(torch.device("cuda"), "Small Card", 6 * GIB, 6 * GIB)
    error = too_small(card, USUAL, LTX_2_3)
    assert error.code == "card_too_small"
    assert "6 GiB" in error.message
    assert "retake doctor" in error.message


def test_weights_of_full_size_are_refused_without_a_gpu(own: Components):
    with pytest.raises(EngineFailed) as caught:
        Memory(own, read_card("cpu"), sizes=LTX_2_3).plan(TINY)
    assert caught.value.code == "no_gpu"


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("The size of tensor a (2) must match the size of tensor b (3)"), False),
    ],
)
def test_lack_of_memory_is_known_in_whatever_words(
    own: Components, error: RuntimeError, lacking: bool
):
    left = [error]

    def call() -> str:
        if left:
            raise left.pop()
        return "made"

    memory = Memory(own, read_card("cpu"))
    if lacking:
        assert memory.run(TINY, lambda one: one.phase(Phase.SOUND, call)) == "made"
    else:
        with pytest.raises(RuntimeError, match="must match"):
            memory.run(TINY, lambda one: one.phase(Phase.SOUND, call))


def test_other_errors_pass_through_untouched(own: Components):
    def attempt(one: Attempt) -> None:
        one.phase(Phase.TEXT, lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        Memory(own, read_card("cpu")).run(TINY, attempt)


def test_a_part_leaves_the_device_only_when_its_room_is_needed(own: Components):
    # The meta device stands for a card: what is moved there and back would be lost, so nothing is.
    moved: list[str] = []
    for name, part in parts_of(own).items():
        part.to = lambda device, name=name: moved.append(f"{name} {device}")  # type: ignore[method-assign]
    places = Places(own, torch.device("meta"))
    way = Configuration(swapped=True)
    for phase in (Phase.TEXT, Phase.DENOISE):
        with places.ready(phase, way, room=1 << 40):
            pass
    assert moved == ["text_encoder meta", "connectors meta", "transformer meta"]
    with places.ready(Phase.DECODE, way, room=0):
        pass
    assert moved[3:6] == ["text_encoder cpu", "connectors cpu", "transformer cpu"]


def test_a_gpu_that_is_not_there_is_said_in_words():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(EngineFailed) as caught:
        read_card("cuda:7")
    assert caught.value.code == "no_gpu"
    assert "nvidia-smi" in caught.value.message
