"""Two stages: made at half of the size, doubled, refined; kept tokens stay to the bit in both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

from retake.core.request import Mode
from retake.core.watch import Watch
from retake.engines.ltx import making
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.denoise import Side
from retake.engines.ltx.info import check_options
from retake.engines.ltx.memory.attempts import Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.recipe import recipe_for
from retake.engines.ltx.size import choose_size
from retake.engines.ltx.studio import Studio
from retake.engines.ltx.upscale import REFINE_SIGMAS
from tests.ltx.shots import make_shot
from tests.ltx.tiny import CHANNELS, save_tiny

SIZE = (128, 128)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny distilled weights with an upsampler, saved as diffusers saves them."""
    path = save_tiny(tmp_path_factory.mktemp("two-stages"), distilled=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        upsampler = LTX2LatentUpsamplerModel(CHANNELS, mid_channels=32, num_blocks_per_stage=1)
        upsampler.save_pretrained(path / "latent_upsampler")
    index = path / "model_index.json"
    named = '"latent_upsampler": ["ltx2", "LTX2LatentUpsamplerModel"],'
    index.write_text(index.read_text().replace("{", "{" + named, 1))
    return path


@pytest.fixture(scope="module")
def components(folder: Path) -> Components:
    return load(folder, "cpu", torch.float32)


def take_of(components: Components, **options: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    studio = Studio(components, Memory(components, read_card("cpu")))
    shot = make_shot(size=SIZE, section=9, before=9, after=9)
    take = studio.take(shot, check_options(options))
    assert take.frames is not None
    return np.array(list(take.frames)), take.notes


def test_both_stages_are_walked_and_told(
    components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[tuple[Any, ...]] = []
    real = making.denoise

    def seen(transformer: Any, video: Any, audio: Any, shape: Any, *more: Any, **given: Any) -> Any:
        x, y = real(transformer, video, audio, shape, *more, **given)
        runs.append((shape, more[1], video, x, audio, y))
        return x, y

    monkeypatch.setattr(making, "denoise", seen)
    frames, notes = take_of(components, upscale="always")
    assert frames.shape == (9, *SIZE, 3)
    assert any("Made at half of that size first" in note for note in notes)
    first, second = runs
    assert (first[0].height, second[0].height) == (2, 4)
    assert (len(first[1]), second[1]) == (9, REFINE_SIGMAS)
    for _, _, video, x, audio, y in runs:
        for side, made in ((video, x), (audio, y)):
            kept = ~side.made
            assert kept.any()
            assert torch.equal(made[:, kept], side.clean[:, kept])
            assert not torch.equal(made[:, side.made], side.clean[:, side.made])
    # The second stage begins with what the first one made: doubled pictures, the same sound.
    assert torch.equal(second[4].drawn, first[5])
    assert second[2].drawn.shape == second[2].clean.shape
    assert not torch.equal(second[2].drawn, second[2].clean)


def test_it_is_not_done_where_it_does_not_pay_or_cannot_be(components: Components) -> None:
    wide, small = (
        choose_size(1920, 1080, max_tokens=9999, cell=64),
        choose_size(*SIZE, max_tokens=99),
    )
    usual = recipe_for(check_options({}), components)
    assert usual.at(wide).doubles
    assert not usual.at(small).doubles
    assert not recipe_for(check_options({"upscale": "never"}), components).at(wide).doubles
    always = check_options({"upscale": "always"})
    assert recipe_for(always, components).at(small).doubles
    assert not recipe_for(always, components).at(choose_size(96, 96, max_tokens=99)).doubles
    for without in (
        replace(components, upsampler=None),
        replace(components, distilled=False),
    ):
        recipe = recipe_for(always, without)
        assert not recipe.at(wide).doubles
        assert any("latent_upsampler" in note for note in recipe.notes)


def test_a_later_stage_begins_with_what_the_earlier_one_made() -> None:
    clean, noise, drawn = (torch.full((1, 2, 3), value) for value in (1.0, 10.0, 100.0))
    side = Side(clean, noise, torch.tensor([False, True]), drawn)
    began = side.started(0.25)
    assert torch.equal(began[:, 0], clean[:, 0])
    assert torch.equal(began[:, 1], 0.25 * noise[:, 1] + 0.75 * drawn[:, 1])


def test_the_same_seed_gives_the_same_and_one_stage_something_else(components: Components) -> None:
    twice = [take_of(components, upscale="always")[0] for _ in range(2)]
    assert np.array_equal(*twice)
    assert not np.array_equal(twice[0], take_of(components, upscale="never")[0])


def test_sound_alone_needs_no_doubling(components: Components) -> None:
    studio = Studio(components, Memory(components, read_card("cpu")))
    shot = make_shot(size=SIZE, section=9, mode=Mode.AUDIO)
    take = studio.take(shot, check_options({"upscale": "always"}))
    assert take.frames is None
    assert take.sound is not None


def test_progress_never_goes_back(components: Components) -> None:
    told: list[float] = []
    studio = Studio(components, Memory(components, read_card("cpu")))
    watch = Watch(lambda _stage, done, total: told.append(done / total))
    shot = make_shot(size=SIZE, section=9, watch=watch)
    studio.take(shot, check_options({"upscale": "always"}))
    assert told == sorted(told)
    assert len(told) > 11
