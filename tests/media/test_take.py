"""A take comes back from the disk exactly as it was written, or is not there at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.media.colour import rgb_to_frame
from retake.media.probe import probe
from retake.media.proof.planes import same_samples
from retake.media.take import TakeWriter, read_sound_file, read_take, write_sound
from tests.clips import make_clip, picture

FORMS: dict[str, dict[str, Any]] = {
    "8 bits": {},
    "full range": {"pix_fmt": "yuvj420p", "full_range": True},
    "10 bits": {"pix_fmt": "yuv420p10le"},
    "4:2:2 10 bits": {"pix_fmt": "yuv422p10le"},
    "4:4:4": {"pix_fmt": "yuv444p"},
    "turned": {"rotation": 90},
    "odd size": {"size": (97, 55), "codec": "ffv1", "container": "matroska", "bframes": 0},
    "RGB": {"pix_fmt": "rgb24", "codec": "qtrle", "container": "mov", "bframes": 0},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_sample_of_every_picture_comes_back(tmp_path: Path, form: str) -> None:
    video = probe(make_clip(tmp_path / "a.mp4", seconds=0.25, **FORMS[form]), Limits()).video
    written = list(pictures(video.upright_size, video.bit_depth))
    with TakeWriter(tmp_path / "take.mkv", video) as writer:
        for rgb in written:
            writer.write(rgb)
        assert writer.frames == 7
        assert not (tmp_path / "take.mkv").exists()
    back = list(read_take(tmp_path / "take.mkv"))
    assert len(back) == 7
    for rgb, frame in zip(written, back, strict=True):
        assert frame.format.name == video.pix_fmt
        assert (frame.width, frame.height) == (video.width, video.height)
        assert same_samples(frame, rgb_to_frame(rgb, video))


def pictures(size: tuple[int, int], depth: int) -> Iterator[Any]:
    for number in range(7):
        rgb = picture(number, *size)
        yield rgb.astype(np.uint16) * 257 if depth > 8 else rgb


def test_an_interrupted_take_leaves_nothing(tmp_path: Path, clip: Path) -> None:
    video = probe(clip, Limits()).video
    with (
        pytest.raises(KeyboardInterrupt),
        TakeWriter(tmp_path / "take.mkv", video) as writer,
    ):
        writer.write(picture(0, 192, 108))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_cut_off_take_is_told_as_damage(tmp_path: Path, clip: Path) -> None:
    video = probe(clip, Limits()).video
    path = tmp_path / "take.mkv"
    with TakeWriter(path, video) as writer:
        for number in range(4):
            writer.write(picture(number, 192, 108))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    try:
        assert len(list(read_take(path))) < 4
    except BadSource as error:
        assert error.code == "damaged"


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_sound_comes_back_exactly(tmp_path: Path, channels: int) -> None:
    samples = np.random.default_rng(1).standard_normal((channels, 1234)).astype(np.float32)
    write_sound(tmp_path / "a.wav", samples, 44100)
    back, rate = read_sound_file(tmp_path / "a.wav")
    assert rate == 44100
    assert back.dtype == np.float32
    assert np.array_equal(back, samples)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
