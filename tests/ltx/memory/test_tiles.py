from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.errors import Cancelled
from retake.engines.ltx.components import Components
from retake.engines.ltx.memory.configuration import TILES, Tiles
from retake.engines.ltx.memory.tiled import decoded, encoded
from retake.engines.ltx.memory.tiles import ramp, space_spans, spans, time_spans


def nothing() -> None:
    return


def whole(
    decode: Callable[[torch.Tensor], torch.Tensor], latents: torch.Tensor, tiles: Tiles | None
) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat(list(decoded(decode, latents, tiles, nothing)), dim=1)


@given(length=st.integers(1, 200), tile=st.integers(3, 40), overlap=st.integers(1, 12))
def test_tiles_cover_every_latent_and_their_weights_add_up_to_one(
    length: int, tile: int, overlap: int
):
    if overlap * 2 >= tile:
        with pytest.raises(ValueError, match="overlap"):
            spans(max(length, tile + 1), tile, overlap)
        return
    sums = [0.0] * length
    pieces = spans(length, tile, overlap)
    for one in pieces:
        assert one.stop - one.start <= tile
        assert one.before in (0, overlap)
        weights = ramp(one.stop - one.start, one.before, one.after)
        for place, weight in zip(range(one.start, one.stop), weights, strict=True):
            sums[place] += weight
    assert pieces[0].start == 0
    assert pieces[-1].stop == length
    # A tile shares latents with its neighbours only, so that weights of three never meet.
    if all(one.before + one.after <= one.stop - one.start for one in pieces):
        assert sums == pytest.approx([1.0] * length)


@given(latents=st.integers(1, 160), tiles=st.sampled_from(TILES))
def test_no_latent_is_shared_by_three_tiles(latents: int, tiles: Tiles):
    for one in (*time_spans(latents, tiles), *space_spans(latents, tiles)):
        assert one.before + one.after <= one.stop - one.start


def test_a_tile_s_own_edges_are_thrown_away():
    assert ramp(10, 4, 4) == [0, 0.25, 0.75, 1, 1, 1, 1, 0.75, 0.25, 0]


@settings(max_examples=8, deadline=None)
@given(
    frames=st.integers(1, 12).map(lambda latents: 8 * latents + 1),
    rows=st.integers(1, 8),
    columns=st.integers(5, 9),
)
def test_each_frame_and_pixel_comes_back_to_its_own_place(frames: int, rows: int, columns: int):
    """The coder repeats a latent over what it stands for: any shift by a frame would show."""
    latent_frames = (frames - 1) // 8 + 1
    latents = torch.rand(1, 3, latent_frames, rows, columns)

    def decode(piece: torch.Tensor) -> torch.Tensor:
        grown = piece.repeat_interleave(32, 3).repeat_interleave(32, 4)
        return torch.cat([grown[:, :, :1], grown[:, :, 1:].repeat_interleave(8, 2)], dim=2)

    def encode(piece: torch.Tensor) -> torch.Tensor:
        small = piece[..., ::32, ::32]
        return torch.cat([small[:, :, :1], small[:, :, 8::8]], dim=2)

    tiles = Tiles(33, 192, 16, 64)
    video = decode(latents)
    assert torch.allclose(whole(decode, latents, tiles), video[0], atol=1e-6)
    assert torch.allclose(encoded(encode, video, tiles, nothing), latents, atol=1e-6)


def decode_with(components: Components) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda piece: components.vae.decode(piece, return_dict=False)[0]


def encode_with(components: Components) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda piece: components.vae.encode(piece).latent_dist.mode()


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [((80, 2, 2), Tiles(481, 64, 224, 16)), ((2, 2, 60), Tiles(33, 1536, 16, 704))],
    ids=["in time", "in space"],
)
def test_decoding_in_tiles_changes_little_where_they_share_what_the_decoder_sees(
    components: Components, shape: tuple[int, int, int], tiles: Tiles
):
    latents = torch.randn(1, 8, *shape, generator=torch.Generator().manual_seed(1))
    plain, tiled = (whole(decode_with(components), latents, one) for one in (None, tiles))
    assert tiled.shape == plain.shape
    assert (tiled - plain).abs().max() < 0.01 * plain.std()


@pytest.mark.parametrize("tiles", TILES, ids=lambda tiles: f"{tiles.edge}x{tiles.frames}")
def test_no_border_in_time_flickers(components: Components, tiles: Tiles):
    """Pictures that change slowly, as real ones do: a jump would stand out most there."""
    seen = torch.randn(1, 8, 5, 2, 2, generator=torch.Generator().manual_seed(2))
    latents = torch.nn.functional.interpolate(seen, (30, 2, 2), mode="trilinear")
    decode = decode_with(components)
    plain, tiled = whole(decode, latents, None), whole(decode, latents, tiles)
    hard = cut_and_set_end_to_end(decode, latents, tiles)
    moved = [(one[:, 1:] - one[:, :-1]).abs().mean(dim=(0, 2, 3)) for one in (plain, tiled)]
    assert (moved[1] - moved[0]).max() < 0.15 * moved[0].mean()
    jumps = [
        float(((one - plain)[:, 1:] - (one - plain)[:, :-1]).abs().mean(dim=(0, 2, 3)).max())
        for one in (tiled, hard)
    ]
    assert jumps[0] < 0.9 * jumps[1]


def cut_and_set_end_to_end(
    decode: Callable[[torch.Tensor], torch.Tensor], latents: torch.Tensor, tiles: Tiles
) -> torch.Tensor:
    """Decode the same tiles and pass from one to the next in the middle of what they share."""
    runs: list[torch.Tensor] = []
    for span in time_spans(latents.shape[2], tiles):
        piece = whole(decode, latents[:, :, span.start : span.stop], None)
        first = 8 * (span.before // 2) + 1 if span.start else 0
        last = 8 * (span.stop - span.start - span.after + span.after // 2) + 1
        runs.append(piece[:, first : last if span.after else None])
    return torch.cat(runs, dim=1)


def test_diffusers_own_tiles_in_time_come_a_frame_late(components: Components):
    """Why the tiling here is ours; when this fails, diffusers has been mended (0017)."""
    latents = torch.randn(1, 8, 12, 2, 2, generator=torch.Generator().manual_seed(3))
    vae = components.vae
    with torch.no_grad():
        plain = vae.decode(latents, return_dict=False)[0][0]
        vae.use_framewise_decoding = True
        vae.tile_sample_min_num_frames, vae.tile_sample_stride_num_frames = 64, 40
        try:
            theirs = vae.decode(latents, return_dict=False)[0][0]
        finally:
            vae.use_framewise_decoding = False
    inside = slice(66, 80)
    late = slice(65, 79)
    here = (theirs[:, inside] - plain[:, inside]).abs().mean()
    earlier = (theirs[:, inside] - plain[:, late]).abs().mean()
    assert earlier < 0.1 * here


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [((281, 64, 64), Tiles(241, 64, 112, 16)), ((17, 64, 1216), Tiles(33, 960, 16, 448))],
    ids=["in time", "in space"],
)
def test_encoding_in_tiles_changes_little_where_they_share_what_the_encoder_sees(
    components: Components, shape: tuple[int, int, int], tiles: Tiles
):
    video = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(4)) * 2 - 1
    with torch.no_grad():
        plain = encoded(encode_with(components), video, None, nothing)
        tiled = encoded(encode_with(components), video, tiles, nothing)
    assert tiled.shape == plain.shape
    assert (tiled - plain).abs().max() < 0.01 * plain.std()


def test_cancelling_takes_effect_between_tiles(components: Components):
    calls = iter(range(100))

    def check() -> None:
        if next(calls) == 2:
            raise Cancelled

    runs = decoded(decode_with(components), torch.zeros(1, 8, 12, 1, 1), TILES[-1], check)
    with torch.no_grad(), pytest.raises(Cancelled):
        list(runs)
    assert next(calls) == 3
