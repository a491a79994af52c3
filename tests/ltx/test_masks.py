"""Masks of windows: what is made covers the section, what is kept lies outside it."""

from __future__ import annotations

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from retake.core.request import Mode
from retake.engines.ltx.components import Components
from retake.engines.ltx.masks import audio_latents, audio_mask, cell, span_of, video_mask
from retake.engines.ltx.window import LEAST_ROOM, plan_windows

seconds = st.fractions(0, 22, max_denominator=48000)


@given(st.integers(1, 600), st.integers(0, 60), st.integers(0, 60), st.integers(LEAST_ROOM, 600))
def test_every_frame_that_is_made_lies_in_a_latent_that_is_made(
    section: int, before: int, after: int, room: int
) -> None:
    for window in plan_windows(section, before, after, handle=24, room=room):
        mask = video_mask(window, Mode.AUDIO_AND_VIDEO)
        assert len(mask) == window.latents
        for latent, made in enumerate(mask):
            frames = [window.start + frame for frame in cell(latent)]
            touched = any(window.made.start <= frame < window.made.end for frame in frames)
            assert made or not touched
            assert made == any(not window.keeps(frame) for frame in cell(latent))


@given(st.integers(1, 600), st.integers(9, 60), st.integers(0, 60), st.integers(LEAST_ROOM, 600))
def test_nothing_in_front_of_what_is_made_is_made_with_it(
    section: int, before: int, after: int, room: int
) -> None:
    for window in plan_windows(section, before, after, handle=24, room=room):
        mask = video_mask(window, Mode.VIDEO)
        kept = [frame for latent, made in enumerate(mask) if not made for frame in cell(latent)]
        assert kept[: window.opens] == list(range(window.opens))


def test_the_latents_of_a_window_cover_its_frames_once() -> None:
    (window,) = plan_windows(48, 24, 24, handle=24, room=481)
    frames = [frame for latent in range(window.latents) for frame in cell(latent)]
    assert frames == list(range(window.count))


def test_pictures_are_kept_as_a_whole_where_only_sound_is_replaced() -> None:
    (window,) = plan_windows(48, 24, 24, handle=24, room=481)
    assert not any(video_mask(window, Mode.AUDIO))


@given(st.integers(1, 520), seconds, seconds)
def test_a_latent_of_sound_is_made_if_and_only_if_it_meets_the_section(
    latents: int, start: Fraction, length: Fraction
) -> None:
    mask = audio_mask(latents, [(start, start + length)])
    for latent, made in enumerate(mask):
        opens, closes = span_of(latent)
        assert made == (opens < start + length and start < closes)


@given(st.integers(0, 500))
def test_latents_of_sound_follow_each_other_without_a_gap(latent: int) -> None:
    assert span_of(latent)[1] == span_of(latent + 1)[0]


@given(seconds, seconds)
def test_there_are_latents_enough_for_the_sound_that_is_wanted(
    duration: Fraction, needed: Fraction
) -> None:
    count = audio_latents(duration, needed)
    assert span_of(count - 1)[1] >= needed
    assert count >= round(duration * 25)
    # And not many more: one or two where the pictures last as long as what is needed.
    assert count <= max(round(duration * 25), round(needed * 25) + 2, 1)


def test_spans_are_those_that_the_transformer_places_sound_at(components: Components) -> None:
    placed = components.transformer.audio_rope.prepare_audio_coords(1, 60, torch.device("cpu"))
    ours = [[float(end) for end in span_of(latent)] for latent in range(60)]
    torch.testing.assert_close(placed[0, 0], torch.tensor(ours))


def test_cells_are_those_that_the_transformer_places_pictures_at(components: Components) -> None:
    place = components.transformer.rope.prepare_video_coords
    placed = place(1, 9, 1, 1, torch.device("cpu"), fps=25.0)
    ours = [[cell(latent).start / 25, cell(latent).stop / 25] for latent in range(9)]
    torch.testing.assert_close(placed[0, 0], torch.tensor(ours))
