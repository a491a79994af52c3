"""Pictures keep their colours on the way to RGB and back, whatever their tags say."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from retake.core.request import Limits
from retake.core.source import Colour, VideoStream
from retake.media.colour import frame_to_rgb, rgb_to_frame
from retake.media.probe import probe
from tests.clips import make_clip, picture

KR_KB = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def stream(
    *,
    matrix: int = 1,
    full_range: bool = False,
    pix_fmt: str = "yuv444p",
    size: tuple[int, int] = (64, 48),
    rotation: int = 0,
) -> VideoStream:
    return VideoStream(
        index=0,
        codec="h264",
        profile=None,
        pix_fmt=pix_fmt,
        bit_depth=10 if "10" in pix_fmt else 8,
        width=size[0],
        height=size[1],
        rotation=rotation,
        sample_aspect_ratio=Fraction(1),
        frame_rate=Fraction(24),
        time_base=Fraction(1, 24),
        pts=(0,),
        end_pts=1,
        colour=Colour(full_range, 1, 1, matrix),
    )


def expected(rgb: tuple[int, int, int], matrix: int, full_range: bool) -> np.ndarray:
    """Return Y, Cb, Cr at 8 bits by the equations of ITU-R BT.601, BT.709 and BT.2020."""
    kr, kb = KR_KB[matrix]
    r, g, b = np.array(rgb) / 255
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    if full_range:
        return np.array([255 * y, 128 + 255 * cb, 128 + 255 * cr])
    return np.array([16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr])


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("rgb", [(255, 0, 0), (20, 200, 90), (250, 250, 250), (0, 0, 255)])
def test_a_colour_is_stored_by_its_matrix_and_range(
    rgb: tuple[int, int, int], matrix: int, full_range: bool
) -> None:
    video = stream(matrix=matrix, full_range=full_range)
    flat = np.full((48, 64, 3), rgb, np.uint8)
    stored = rgb_to_frame(flat, video)
    found = stored.to_ndarray()[:, 24, 32]
    assert np.abs(found - np.clip(expected(rgb, matrix, full_range), 0, 255)).max() <= 1
    assert np.abs(frame_to_rgb(stored, video).astype(int) - flat).max() <= 3


@pytest.mark.parametrize(("rows", "means"), [(576, 5), (720, 1), (1080, 1)])
def test_an_untagged_stream_counts_as_players_take_it(rows: int, means: int) -> None:
    flat = np.full((rows, 64, 3), (200, 30, 60), np.uint8)
    untagged = rgb_to_frame(flat, stream(matrix=2, size=(64, rows)))
    tagged = rgb_to_frame(flat, stream(matrix=means, size=(64, rows)))
    assert np.array_equal(untagged.to_ndarray(), tagged.to_ndarray())


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p10le", "yuv420p10le"])
def test_there_and_back_loses_next_to_nothing(pix_fmt: str, rotation: int) -> None:
    video = stream(pix_fmt=pix_fmt, rotation=rotation, full_range="j" in pix_fmt, size=(96, 64))
    width, height = video.upright_size
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([60 + x, 90 + y, 200 - x], -1)
    rgb = (smooth * 257).astype(np.uint16) if video.bit_depth > 8 else smooth.astype(np.uint8)
    frame = rgb_to_frame(rgb, video)
    assert (frame.width, frame.height, frame.format.name) == (96, 64, pix_fmt)
    back = frame_to_rgb(frame, video)
    assert back.dtype == rgb.dtype
    # Edges aside, where chroma has no neighbours to come from.
    error = np.abs(back.astype(int) - rgb)[2:-2, 2:-2].max() / np.iinfo(rgb.dtype).max
    assert error <= (0.004 if video.bit_depth > 8 else 0.016)


def test_a_decoded_frame_survives_the_way_to_rgb_and_back(tmp_path: Path) -> None:
    for options in ({}, {"rotation": 90}, {"matrix": 1}, {"full_range": True}):
        path = make_clip(tmp_path / "a.mp4", seconds=0.5, **options)
        video = probe(path, Limits()).video
        with av.open(path) as container:
            before = next(container.decode(video=0))
        after = rgb_to_frame(frame_to_rgb(before, video), video)
        error = np.mean((before.to_ndarray().astype(float) - after.to_ndarray()) ** 2)
        assert 10 * np.log10(255**2 / error) > 45


def test_the_tags_of_the_stream_are_on_its_frames() -> None:
    video = replace(stream(pix_fmt="yuv420p"), colour=Colour(False, 9, 16, 9))
    frame = rgb_to_frame(picture(0, 64, 48), video)
    assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (9, 16, 9)
    assert frame.color_range == 1


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the stream"):
        rgb_to_frame(picture(0, 48, 64), stream())
