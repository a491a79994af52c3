"""The section and the sound of a file alone: exactly the frames and samples that belong there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from retake.core.request import Limits, RetakeRequest
from retake.core.section import Section
from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.excerpt import section_clip
from retake.media.probe import probe
from retake.media.sound import read_sound
from retake.media.sound_alone import sound_alone
from retake.steps.plan import plan_section
from tests.clips import frame_number, make_clip


def probed(
    path: Path, start: Fraction = Fraction(1), duration: Fraction = Fraction(2)
) -> tuple[Source, Section]:
    source = probe(path, Limits())
    request = RetakeRequest("x", start_time=start, duration=duration)
    return source, plan_section(request, source.video, Limits())


def numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [frame_number(frame.to_ndarray(format="rgb24")) for frame in frames]


CLIPS: list[tuple[str, dict[str, Any]]] = [
    ("h264.mp4", {}),
    ("h264.mov", {"audio": "pcm_s16le"}),
    ("vp9.webm", {"codec": "libvpx-vp9", "audio": "libopus", "bframes": 0}),
    ("h264.mkv", {"audio": "flac"}),
    ("ts.ts", {}),
]


@pytest.mark.parametrize(("name", "made"), CLIPS)
@pytest.mark.parametrize("start", [Fraction(1), Fraction(5, 4)])
def test_a_section_alone_holds_its_frames_and_its_sound(
    tmp_path: Path, name: str, made: dict[str, Any], start: Fraction
) -> None:
    clip = make_clip(tmp_path / name, **made)
    source, section = probed(clip, start)
    alone = section_clip(clip, source, section, tmp_path / "section", Watch())
    assert numbers(alone) == list(range(section.frames.start, section.frames.end))
    seen = probe(alone, Limits())
    assert abs(seen.video.duration - section.duration) < Fraction(1, 100)
    assert seen.video.pts[0] == 0
    heard = read_sound(alone, seen.audio[0], Fraction(0), section.duration)
    there = read_sound(clip, source.audio[0], section.start, section.end)
    assert heard.shape == there.shape
    difference = heard[:, 4800:-4800] - there[:, 4800:-4800]
    assert np.sqrt(np.mean(difference**2)) < 0.02


def test_packets_that_stand_alone_are_taken_as_they_are(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    source, section = probed(clip)
    alone = section_clip(clip, source, section, tmp_path / "section", Watch())

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]

    assert set(packets(alone)) <= set(packets(clip))


def test_packets_that_need_others_are_encoded(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", gop=96)
    source, section = probed(clip)
    alone = section_clip(clip, source, section, tmp_path / "section", Watch())
    assert alone.suffix == ".mp4"
    assert numbers(alone) == list(range(section.frames.start, section.frames.end))


def test_packets_that_need_others_behind_them_are_encoded(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv")
    # It ends within a group of pictures: B-frames that refer to what is no longer there.
    for frames in (49, 50, 51):
        source, section = probed(clip, duration=Fraction(frames, 24))
        alone = section_clip(clip, source, section, tmp_path / "section", Watch())
        assert numbers(alone) == list(range(section.frames.start, section.frames.end))


def test_a_turned_clip_stays_turned_and_a_silent_one_silent(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rotation=90, audio=None)
    for start in (Fraction(1), Fraction(3, 2)):
        source, section = probed(clip, start)
        alone = section_clip(clip, source, section, tmp_path / "section", Watch())
        seen = probe(alone, Limits())
        assert (seen.video.rotation, seen.audio) == (90, ())


@pytest.mark.parametrize(
    ("name", "codec", "ending"),
    [
        ("a.mp4", "aac", ".m4a"),
        ("a.ts", "aac", ".m4a"),
        ("a.webm", "libopus", ".ogg"),
        ("a.mkv", "libmp3lame", ".mp3"),
        ("a.mkv", "flac", ".flac"),
        ("a.mov", "pcm_s16le", ".wav"),
        ("a.mp4", "ac3", ".mka"),
    ],
)
def test_the_sound_alone_is_the_sound(tmp_path: Path, name: str, codec: str, ending: str) -> None:
    more: dict[str, Any] = {"codec": "libvpx-vp9", "bframes": 0} if name == "a.webm" else {}
    clip = make_clip(tmp_path / name, audio=codec, size=(64, 36), **more)
    source, _ = probed(clip)
    alone = sound_alone(clip, source.audio[0], tmp_path / "audio", Watch())
    assert alone.suffix == ending
    with av.open(str(alone)) as container:
        assert not container.streams.video
        track = container.streams.audio[0]
        assert (track.start_time or 0) * track.time_base < Fraction(1, 20) or ending == ".mp3"
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    heard = sum(frame.shape[-1] // (1 if frame.shape[0] > 1 else 2) for frame in frames)
    assert abs(heard - round(source.audio[0].duration * 48000)) <= 2048
