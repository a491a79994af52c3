"""The contact sheet shows the right frames at the right places, and is written whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from retake.core.errors import StorageFailed
from retake.core.request import Limits, Mode
from retake.core.section import Section
from retake.core.timing import FrameRange
from retake.media.look.layout import COLUMNS, chosen_frames
from retake.media.look.sheet import contact_sheet, thumbnail
from retake.media.look.still import fitted_size, stills
from retake.media.look.waveform import draw_waveform, peaks_of
from retake.media.probe import probe
from tests.clips import frame_number, make_clip
from tests.media.takes import FIRST_NUMBER, edit, section_of

ACCENT = (255, 106, 48)


@given(st.data())
def test_frames_of_every_part_are_shown_and_most_of_them_inside(data: Any) -> None:
    start = data.draw(st.integers(0, 95))
    section = section_from(start, data.draw(st.integers(start + 1, 96)))
    numbers = chosen_frames(96, [section])
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= COLUMNS
    inside = [number for number in numbers if number in section.frames]
    assert len(inside) >= min(6, len(section.frames))
    if start:
        assert start - 1 in numbers
    if section.frames.end < 96:
        assert section.frames.end in numbers


def section_from(start: int, end: int) -> Section:
    frames = FrameRange(start, end)
    times = Fraction(start, 24), Fraction(end, 24)
    return Section(frames, frames, *times, *times, times[0], times[1] - times[0], clamped=False)


def close_to(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture.astype(int) - colour).max(axis=-1) < 40


def test_the_sheet_is_a_wide_picture_with_the_section_in_colour(clip: Path, tmp_path: Path) -> None:
    one = edit(clip, tmp_path, 30, 66)
    path = tmp_path / "sheet.jpg"
    contact_sheet(one.src, one.out, one.source, [one.section], path)
    with Image.open(path) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.width > 2.5 * sheet.height > 1500
        picture = np.asarray(sheet.convert("RGB"))
    # The frame around the section's columns: two long upright lines in the strong colour.
    upright = close_to(picture, ACCENT).sum(axis=0) > picture.shape[0] // 2
    assert upright.any()
    assert picture[:20].mean() < 30
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "out.mp4",
        "sheet.jpg",
        "take.mkv",
        "take.wav",
    ]


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({"audio": None}, Mode.VIDEO),
        ({"audio": None}, Mode.AUDIO_AND_VIDEO),
        ({"rotation": 90}, Mode.VIDEO),
        ({"size": (64, 256)}, Mode.VIDEO),
        ({"variable": True, "pix_fmt": "yuv420p10le"}, Mode.AUDIO_AND_VIDEO),
        ({"channels": 6}, Mode.AUDIO),
    ],
)
@pytest.mark.parametrize("place", [(12, 36), (0, 48)])
def test_every_kind_of_film_gets_a_sheet(
    tmp_path: Path, options: dict[str, Any], mode: Mode, place: tuple[int, int]
) -> None:
    src = make_clip(tmp_path / "a.mp4", seconds=2, **options)
    one = edit(src, tmp_path, *place, mode)
    contact_sheet(one.src, one.out, one.source, [one.section], tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width >= 1700


@pytest.mark.parametrize("place", [(0, 24), (72, 96), (20, 21)])
def test_a_section_anywhere_gets_a_sheet(
    clip: Path, tmp_path: Path, place: tuple[int, int]
) -> None:
    source = probe(clip, Limits())
    contact_sheet(clip, clip, source, [section_of(source, *place)], tmp_path / "sheet.jpg")
    assert (tmp_path / "sheet.jpg").stat().st_size > 20_000


def test_stills_show_the_frames_that_were_asked_for(clip: Path) -> None:
    source = probe(clip, Limits())
    found = stills(clip, source, [7, 31, 95], (192, 108))
    assert {number: frame_number(np.asarray(image)) for number, image in found.items()} == {
        7: 7,
        31: 31,
        95: 95,
    }


def test_stills_are_upright(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", seconds=0.5, rotation=270)
    image = stills(path, probe(path, Limits()), [5], (108, 192))[5]
    assert image.size == (108, 192)
    assert frame_number(np.asarray(image)) == 5


def test_a_small_picture_has_the_film_s_shape(clip: Path) -> None:
    video = probe(clip, Limits()).video
    assert fitted_size(video, (96, 96)) == (96, 54)
    assert fitted_size(video, (1000, 54)) == (96, 54)


def test_the_thumbnail_shows_the_section(clip: Path, tmp_path: Path) -> None:
    one = edit(clip, tmp_path, 30, 66)
    thumbnail(one.out, one.section, tmp_path / "t.jpg")
    with Image.open(tmp_path / "t.jpg") as image:
        assert image.size == (640, 360)
        assert frame_number(np.asarray(image.resize((192, 108)))) == FIRST_NUMBER - 12


def test_a_sheet_that_cannot_be_written_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    source = probe(clip, Limits())
    with pytest.raises(StorageFailed):
        contact_sheet(clip, clip, source, [section_of(source, 30, 66)], tmp_path / "no" / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_waveform_rises_where_the_sound_is_loud() -> None:
    samples = np.zeros((2, 4000), np.float32)
    samples[:, 1000:2000] = 0.5
    samples[1, 3000:3100] = -1
    peaks = peaks_of(samples, 40)
    assert np.allclose(peaks[0], [0] * 10 + [0.5] * 10 + [0] * 10 + [1] + [0] * 9)
    colours = np.full((40, 3), 200, np.uint8)
    picture = np.asarray(draw_waveform(peaks, 1.0, 60, colours, (0, 0, 0)))
    heights = (picture[..., 0] > 60).sum(axis=0)
    assert heights[30] > heights[15] > heights[5] > 0
    assert np.array_equal(picture, picture[::-1])
