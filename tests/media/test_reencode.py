"""What cannot be spliced comes back in a container and codec like its own, in its own form."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from retake.core.report import Action
from retake.core.request import Limits, Mode
from retake.media.probe import probe
from tests.clips import make_clip
from tests.media.compare import assert_verified, pictures
from tests.media.takes import FIRST_NUMBER, edit

LIKE: dict[str, tuple[str, dict[str, Any], str]] = {
    "mpeg2 transport stream": (
        "a.ts",
        {"codec": "mpeg2video", "audio": "mp2", "matrix": 5, "fps": Fraction(25)},
        "mpeg2video",
    ),
    "mpeg2 program stream": (
        "a.mpg",
        {"codec": "mpeg2video", "audio": "mp2", "container": "vob", "fps": Fraction(25)},
        "mpeg2video",
    ),
    "h264 transport stream": ("a.ts", {"fps": Fraction(30000, 1001)}, "h264"),
    "mpeg4 avi": ("a.avi", {"codec": "mpeg4", "bframes": 0, "audio": "libmp3lame"}, "mpeg4"),
    "flv": ("a.flv", {"rate": 44100}, "h264"),
    "jpeg avi": (
        "a.avi",
        {
            "codec": "mjpeg",
            "pix_fmt": "yuvj420p",
            "full_range": True,
            "bframes": 0,
            "audio": "pcm_s16le",
        },
        "mjpeg",
    ),
    "mpeg4 mkv": ("a.mkv", {"codec": "mpeg4", "bframes": 0}, "mpeg4"),
}


@pytest.mark.parametrize("name", LIKE)
@pytest.mark.parametrize("mode", [Mode.AUDIO_AND_VIDEO, Mode.AUDIO])
def test_like_containers_and_codecs(tmp_path: Path, name: str, mode: Mode) -> None:
    file, options, codec = LIKE[name]
    src = make_clip(tmp_path / file, seconds=2, **options)
    done = edit(src, tmp_path, 12, 36, mode, name=f"out{src.suffix}")
    report = done.rendered.video
    if mode is Mode.AUDIO:
        assert report.action is Action.COPIED
    else:
        assert (report.action, report.codec) == (Action.REENCODED, codec)
        assert report.reason
        shown = [p.number for p in pictures(done.out)]
        assert shown == [FIRST_NUMBER - (n - 12) if 12 <= n < 36 else n for n in range(len(shown))]
    made, was = probe(done.out, Limits()), done.source
    assert made.file_type == was.file_type
    assert made.audio[0].codec == was.audio[0].codec
    assert made.video.frame_rate == was.video.frame_rate
    assert len(made.video.pts) == len(was.video.pts)
    assert made.video.colour == was.video.colour
    assert_verified(done, mode)


@pytest.mark.parametrize(
    ("file", "codec"), [("a.ts", "mpeg2video"), ("a.mp4", "libx264"), ("a.mpg", "mpeg2video")]
)
def test_interlaced_pictures_stay_interlaced_also_in_the_section(
    tmp_path: Path, file: str, codec: str
) -> None:
    src = make_clip(
        tmp_path / file,
        codec=codec,
        seconds=1,
        audio=None,
        size=(192, 128),
        fps=Fraction(25),
        container="vob" if file.endswith("mpg") else None,
        codec_options={"x264-params": "tff=1"} if codec == "libx264" else {"flags": "+ildct+ilme"},
    )
    done = edit(src, tmp_path, 6, 18, Mode.VIDEO, name=f"out{src.suffix}")
    assert done.source.video.interlaced
    assert done.rendered.video.action is Action.REENCODED
    with av.open(done.out) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    assert_verified(done, Mode.VIDEO)


def test_a_codec_without_an_encoder_becomes_the_containers_first(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "a.flv", codec="flv", bframes=0, seconds=1, rate=44100)
    done = edit(src, tmp_path, 6, 18, Mode.VIDEO, name="out.flv")
    assert done.rendered.video.codec in {"flv1", "h264"}
    assert probe(done.out, Limits()).file_type == "flv"
    assert_verified(done, Mode.VIDEO)


def test_sound_before_the_first_picture_does_not_fail_a_take_of_everything(tmp_path: Path) -> None:
    # MPEG-TS does not say that an encoder's first samples are not to be heard.
    src = make_clip(tmp_path / "a.ts", seconds=1)
    done = edit(src, tmp_path, 0, 0)
    assert done.source.audio[0].start < 0
    assert done.rendered.audio.action is Action.REENCODED
    assert_verified(done)
