"""Another container copies packets, another codec encodes its stream, and the report says so."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from retake.core.conversion import Conversion
from retake.core.report import Action
from retake.core.request import Mode
from tests.clips import make_clip
from tests.media.compare import assert_verified, packets, pictures, sound
from tests.media.rich import inventory, make_rich
from tests.media.takes import FIRST_NUMBER, Edit, edit


def assert_shown(done: Edit) -> None:
    frames = done.section.frames
    assert [p.number for p in pictures(done.out, strict=True)] == [
        FIRST_NUMBER - (n - frames.start) if n in frames else n
        for n in range(len(done.source.video.pts))
    ]


def digests(path: Path, stream: int) -> list[str]:
    return [packet.digest for packet in packets(path, stream)]


@pytest.mark.parametrize(
    ("source", "container"),
    [("a.mkv", "mp4"), ("a.mp4", "mkv"), ("a.mov", "mp4"), ("a.mp4", "mov")],
)
def test_another_container_alone_copies_packets(
    tmp_path: Path, source: str, container: str
) -> None:
    src = make_rich(tmp_path, source, subtitles=source.endswith("mkv"))
    conversion = Conversion(container)
    done = edit(src, tmp_path, 16, 30, name=f"out.{container}", conversion=conversion)
    rendered = done.rendered
    assert (rendered.video.action, rendered.audio.action) == (Action.SMART, Action.SMART)
    assert rendered.touched
    assert rendered.touched[0] > 0
    before, after = digests(src, 0), digests(done.out, 0)
    assert before[: rendered.touched[0]] == after[: rendered.touched[0]]
    assert before[rendered.touched[1] :] == after[rendered.touched[1] :]
    assert digests(src, 1) == digests(done.out, 1)
    told, was = inventory(done.out), inventory(src)
    assert told["chapters"] == was["chapters"]
    assert told["metadata"]["title"] == "A film"
    assert [s["metadata"]["language"] for s in told["streams"][1:3]] == ["ita", "eng"]
    assert_shown(done)
    assert_verified(done)


def test_a_new_container_says_what_it_has_no_room_for(tmp_path: Path) -> None:
    src = make_rich(tmp_path, "a.mkv")
    conversion = Conversion("mp4")
    done = edit(src, tmp_path, 16, 30, Mode.VIDEO, name="out.mp4", conversion=conversion)
    assert len(done.rendered.lost) == 2
    assert "srt" in done.rendered.lost[0]
    assert "attachment" in done.rendered.lost[1]


def test_a_container_that_does_not_hold_the_codecs_has_them_encoded(tmp_path: Path) -> None:
    src = make_rich(tmp_path, "a.mkv")
    done = edit(src, tmp_path, 16, 30, name="out.webm", conversion=Conversion("webm"))
    video, audio = done.rendered.video, done.rendered.audio
    assert (video.action, video.codec) == (Action.REENCODED, "vp9")
    assert video.reason == "WebM does not hold H.264"
    assert (audio.action, audio.codec) == (Action.REENCODED, "opus")
    with av.open(done.out) as container:
        assert [s.codec_context.name for s in container.streams] == ["vp9", "opus", "opus"]
        assert [s.language for s in container.streams.audio] == ["ita", "eng"]
    assert_shown(done)
    assert_verified(done)


@pytest.mark.parametrize(
    ("conversion", "name", "codecs"),
    [
        (Conversion("mp4", "hevc", "opus"), "out.mp4", ["hevc", "opus"]),
        (Conversion("mkv", "ffv1", "flac"), "out.mkv", ["ffv1", "flac"]),
        (Conversion("mov", "prores", "pcm_s24le"), "out.mov", ["prores", "pcm_s24le"]),
        (Conversion("ts", "mpeg2video", "mp2"), "out.ts", ["mpeg2video", "mp2"]),
        (Conversion("mkv", "vp8", "mp3"), "out.mkv", ["vp8", "mp3float"]),
    ],
    ids=lambda one: one.video_codec if isinstance(one, Conversion) else "",
)
def test_other_codecs_encode_the_whole_stream(
    tmp_path: Path, conversion: Conversion, name: str, codecs: list[str]
) -> None:
    src = make_clip(tmp_path / "a.mp4", seconds=2, matrix=1)
    done = edit(src, tmp_path, 12, 30, name=name, conversion=conversion)
    assert (done.rendered.video.action, done.rendered.audio.action) == (Action.REENCODED,) * 2
    assert "was asked for" in (done.rendered.video.reason or "")
    with av.open(done.out) as container:
        assert [s.codec_context.name for s in container.streams] == codecs
    assert_shown(done)
    assert_verified(done)


def test_a_codec_that_it_has_already_changes_nothing(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "a.mp4", seconds=2)
    conversion = Conversion("mp4", "h264", "aac")
    done = edit(src, tmp_path, 12, 30, conversion=conversion)
    assert (done.rendered.video.action, done.rendered.audio.action) == (Action.SMART,) * 2


def test_pictures_may_be_converted_while_only_the_sound_is_replaced(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "a.mp4", seconds=2)
    conversion = Conversion("mp4", "hevc")
    done = edit(src, tmp_path, 12, 30, Mode.AUDIO, conversion=conversion)
    report = done.rendered.video
    assert (report.action, report.codec, report.frames_generated) == (Action.REENCODED, "hevc", 0)
    assert done.rendered.audio.action is Action.SMART
    assert [p.number for p in pictures(done.out)] == list(range(48))
    assert_verified(done, Mode.AUDIO)


def test_fewer_bits_than_the_source_has_are_told(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "a.mkv", seconds=1, pix_fmt="yuv420p10le", audio=None)
    conversion = Conversion("webm", "vp9")
    done = edit(src, tmp_path, 6, 12, Mode.VIDEO, name="out.webm", conversion=conversion)
    assert "8 bits, the source 10" in (done.rendered.video.reason or "")
    assert_verified(done, Mode.VIDEO)


def test_ten_bits_stay_ten_where_nobody_asked_for_a_codec(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "a.mkv", seconds=1, pix_fmt="yuv420p10le")
    done = edit(src, tmp_path, 6, 12, name="out.webm", conversion=Conversion("webm"))
    assert done.rendered.video.codec == "av1"
    assert done.rendered.video.reason == "WebM does not hold H.264"
    assert sound(done.out).shape[1] == pytest.approx(48000, abs=2000)
    assert_verified(done)


def test_pictures_that_an_edit_list_hides_stay_hidden_in_another_container(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mp4", seconds=2, audio=None)
    src = tmp_path / "a.mp4"
    with av.open(whole) as old, av.open(src, "w") as out:
        stream = out.add_stream_from_template(old.streams.video[0], opaque=True)
        for packet in old.demux():
            if packet.size:
                # What is shown before 0 is hidden by the muxer's edit list.
                packet.pts, packet.dts = packet.pts - 5 * 512, packet.dts - 5 * 512
                packet.stream = stream
                out.mux(packet)
    done = edit(src, tmp_path, 12, 30, Mode.VIDEO, name="out.mkv", conversion=Conversion("mkv"))
    assert done.rendered.video.reason == "its edit list hides 5 of its pictures"
    assert len(pictures(done.out)) == len(pictures(src)) == 43
    assert_verified(done, Mode.VIDEO)
