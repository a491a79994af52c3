"""Any run of frames is exactly what decoding the whole file from its start shows there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.core.source import Source
from retake.core.timing import FrameRange
from retake.media.decode import SourceFrames, decode_frames
from retake.media.probe import probe
from tests.clips import frame_number, make_clip

X264 = "scenecut=0:log-level=error"
CLIPS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "b_pyramid.mp4": {"bframes": 5, "gop": 13, "fps": Fraction(30000, 1001)},
    "open_gop.mp4": {"bframes": 3, "codec_options": {"x264-params": X264 + ":open-gop=1"}},
    "refresh.mp4": {"bframes": 0, "codec_options": {"x264-params": X264 + ":intra-refresh=1"}},
    "one_keyframe.mp4": {"gop": 999},
    "variable.mp4": {"variable": True},
    "h264.mkv": {},
    "h264.avi": {"bframes": 2},
    "h264.ts": {},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "hevc.mp4": {
        "codec": "libx265",
        "bframes": 4,
        "codec_options": {"x265-params": "log-level=none:scenecut=0:open-gop=1"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "audio": "libopus"},
    "vp8.webm": {
        "codec": "libvpx",
        "audio": "libopus",
        "codec_options": {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "good"},
    },
    "av1.mp4": {"codec": "libsvtav1"},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "mpeg2.mpg": {"codec": "mpeg2video", "audio": "mp2", "gop": 8},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "audio": "pcm_s16le"},
}


class Whole:
    """A file, its probe, and the digests of all its frames by a plain decode."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = probe(path, Limits())
        with av.open(path) as container:
            self.digests = [digest(frame) for frame in container.decode(video=0)]


def digest(frame: av.VideoFrame) -> str:
    return hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    folder = tmp_path_factory.mktemp("decode")
    made: dict[str, Whole] = {}

    def make(name: str) -> Whole:
        if name not in made:
            path = make_clip(folder / name, seconds=2, size=(96, 64), **CLIPS[name])
            made[name] = Whole(path)
        return made[name]

    return make


@pytest.fixture(scope="module")
def trimmed(whole: Callable[[str], Whole], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A clip whose edit list hides its first ten frames, in the middle of a group."""
    path = tmp_path_factory.mktemp("trimmed") / "a.mp4"
    source = whole("h264.mp4").path
    options = {"avoid_negative_ts": "disabled", "use_editlist": "1"}
    with av.open(source) as before, av.open(path, "w", options=options) as after:
        stream = after.add_stream_from_template(before.streams.video[0], opaque=True)
        shift = round(10 / (24 * before.streams.video[0].time_base))
        for packet in before.demux(video=0):
            if packet.size:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = stream
                after.mux(packet)
    return Whole(path)


def test_an_edit_list_hides_frames(trimmed: Whole) -> None:
    assert len(trimmed.source.video.pts) == len(trimmed.digests) == 38
    assert trimmed.source.video.times[0] == 0
    numbers = [frame_number(rgb) for rgb in frames_of(trimmed).read()]
    assert numbers == list(range(10, 48))


def frames_of(whole: Whole, start: int = 0, end: int | None = None) -> SourceFrames:
    end = len(whole.source.video.pts) if end is None else end
    return SourceFrames(whole.path, whole.source, FrameRange(start, end))


@pytest.mark.parametrize("name", CLIPS)
def test_a_probe_counts_the_frames_that_a_decoder_shows(
    whole: Callable[[str], Whole], name: str
) -> None:
    assert len(whole(name).source.video.pts) == len(whole(name).digests)
    assert len(whole(name).digests) == round(2 * CLIPS[name].get("fps", 24))
    numbers = [frame_number(rgb) for rgb in frames_of(whole(name)).read()]
    assert numbers == list(range(len(numbers)))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), name=st.sampled_from([*CLIPS, "trimmed"]))
def test_any_range_of_frames_is_what_a_full_decode_shows(
    whole: Callable[[str], Whole], trimmed: Whole, data: st.DataObject, name: str
) -> None:
    one = trimmed if name == "trimmed" else whole(name)
    count = len(one.source.video.pts)
    first = data.draw(st.integers(0, count))
    last = data.draw(st.integers(first, count))
    found = [digest(frame) for frame in decode_frames(one.path, one.source, first, last)]
    assert found == one.digests[first:last]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_reader_counts_from_its_own_first_frame(
    whole: Callable[[str], Whole], data: st.DataObject
) -> None:
    one = whole("h264.mp4")
    start = data.draw(st.integers(0, 47))
    end = data.draw(st.integers(start + 1, 48))
    reader = frames_of(one, start, end)
    first = data.draw(st.integers(0, len(reader)))
    last = data.draw(st.integers(first, len(reader)))
    numbers = [frame_number(rgb) for rgb in reader.read(FrameRange(first, last))]
    assert numbers == list(range(start + first, start + last))


def test_two_readings_at_once_do_not_disturb_each_other(whole: Callable[[str], Whole]) -> None:
    reader = frames_of(whole("h264.mp4"))
    pairs = zip(reader.read(FrameRange(0, 20)), reader.read(FrameRange(20, 40)), strict=True)
    assert [(frame_number(a), frame_number(b)) for a, b in pairs] == [
        (at, at + 20) for at in range(20)
    ]


def test_frames_are_shown_upright_at_the_upright_size(tmp_path: Path) -> None:
    for turn in (90, 180, 270):
        path = make_clip(tmp_path / f"{turn}.mp4", seconds=0.5, rotation=turn)
        one = Whole(path)
        for number, rgb in enumerate(frames_of(one).read()):
            assert rgb.shape == (frames_of(one).height, frames_of(one).width, 3)
            assert frame_number(rgb) == number


def test_more_than_eight_bits_come_as_sixteen(whole: Callable[[str], Whole]) -> None:
    rgb = next(frames_of(whole("prores.mov")).read())
    assert rgb.dtype == np.uint16
    assert rgb.max() > 60000


def test_a_range_outside_is_refused(whole: Callable[[str], Whole]) -> None:
    one = whole("h264.mp4")
    for first, last in ((-1, 3), (3, 2), (0, 49)):
        with pytest.raises(ValueError, match="no frames"):
            list(decode_frames(one.path, one.source, first, last))
    with pytest.raises(ValueError, match="no frames"):
        list(frames_of(one, 10, 20).read(FrameRange(0, 11)))


def test_a_frame_that_is_not_there_is_damage(whole: Callable[[str], Whole]) -> None:
    one = whole("h264.mp4")
    video = one.source.video
    pts = (*video.pts[:20], video.pts[20] + 1, *video.pts[21:])
    wrong: Source = replace(one.source, video=replace(video, pts=pts))
    with pytest.raises(BadSource) as told:
        list(decode_frames(one.path, wrong, 15, 25))
    assert told.value.code == "damaged"


def test_frames_broken_in_the_middle_are_damage_when_they_are_read(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "a.mov", codec="mjpeg", pix_fmt="yuvj420p", bframes=0, audio=None, seconds=1
    )
    one = Whole(path)
    with av.open(path) as container:
        middle = [(p.pos, p.size) for p in container.demux(video=0) if p.size][12]
    with path.open("r+b") as file:
        file.seek(middle[0])
        file.write(b"\xff" * middle[1])
    assert len(list(frames_of(one, 0, 12).read())) == 12
    with pytest.raises(BadSource) as told:
        list(frames_of(one).read())
    assert told.value.code == "damaged"
