"""Splices in Matroska, WebM and fragments: every packet outside, every time, every word is kept."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.report import Action
from retake.core.request import Mode
from retake.media.mp4.boxes import boxes_in
from retake.media.packets import decoding_times, index_packets
from tests.clips import make_clip
from tests.media.compare import (
    assert_packets_kept,
    assert_pictures_right,
    assert_times_kept,
    assert_verified,
)
from tests.media.rich import FONT, inventory, make_rich
from tests.media.takes import edit

VP9: dict[str, Any] = {"codec": "libvpx-vp9", "audio": "libopus", "bframes": 0}
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", {"matrix": 1, "fps": Fraction(25)}),
        ("a.mkv", {"rotation": 90, "variable": True}),
        ("a.mkv", {"codec": "libx265", "audio": "flac"}),
        ("a.webm", VP9 | {"subtitles": False}),
    ],
    ids=["h264", "rotated and uneven", "hevc flac", "webm"],
)
def test_matroska_keeps_all_but_the_section(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    src = make_rich(tmp_path, name, **options)
    done = edit(src, tmp_path, 16, 30, name=f"out{src.suffix}")
    video, audio = done.rendered.video, done.rendered.audio
    assert (video.action, audio.action) == (Action.SMART, Action.SMART), (video, audio)
    # The second track is the file's default one.
    assert done.source.audio[0].index == 2
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_packets_kept(done, 1, None)
    assert_packets_kept(done, 2, done.rendered.audio_touched)
    assert_pictures_right(done)
    assert inventory(done.out) == inventory(src)
    assert_verified(done)


def test_subtitles_and_fonts_come_through(tmp_path: Path) -> None:
    src = make_rich(tmp_path, "a.mkv")
    done = edit(src, tmp_path, 16, 30, Mode.VIDEO)
    assert_packets_kept(done, 3, None)
    assert inventory(done.out)["streams"][4]["data"] == FONT
    assert done.rendered.lost == ()


@pytest.mark.parametrize("track", [1, "it"])
def test_another_track_is_edited_when_it_is_asked_for(tmp_path: Path, track: int | str) -> None:
    src = make_rich(tmp_path, "a.mkv")
    done = edit(src, tmp_path, 16, 30, Mode.AUDIO, track=track)
    assert done.rendered.audio.action is Action.SMART
    assert_packets_kept(done, 0, None)
    assert_packets_kept(done, 1, done.rendered.audio_touched)
    assert_packets_kept(done, 2, None)
    assert_verified(done, Mode.AUDIO)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"movflags": FRAGMENTS}),
        ("a.mp4", {"movflags": "frag_keyframe+delay_moov+dash+global_sidx"}),
        ("a.mp4", {"movflags": "empty_moov+separate_moof", "frag_duration": "300000"}),
        ("a.mov", {"movflags": "frag_keyframe+empty_moov"}),
    ],
    ids=["plain", "segment index", "one track a fragment", "mov"],
)
def test_fragments_stay_as_they_are(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    sound = "pcm_s16le" if name.endswith("mov") else "aac"
    src = make_clip(tmp_path / name, seconds=3, audio=sound, container_options=options)
    done = edit(src, tmp_path, 20, 40, name=f"out{src.suffix}")
    video, audio = done.rendered.video, done.rendered.audio
    assert (video.action, audio.action) == (Action.SMART, Action.SMART), (video, audio)
    for stream, touched in ((0, done.rendered.touched), (1, done.rendered.audio_touched)):
        assert_packets_kept(done, stream, touched)
        assert_times_kept(done, stream)
    assert_pictures_right(done)
    assert inventory(done.out) == inventory(src)
    assert kinds(done.out) == kinds(src)
    assert_verified(done)


def test_indexes_of_fragments_point_at_them_again(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+delay_moov+dash+global_sidx"}
    src = make_clip(tmp_path / "a.mp4", seconds=3, audio=None, container_options=options)
    done = edit(src, tmp_path, 20, 40, Mode.VIDEO)
    for path in (src, done.out):
        data, at, parts, first = path.read_bytes(), 0, b"", 0
        starts: dict[bytes, list[int]] = {}
        for kind, payload in boxes_in(data):
            starts.setdefault(kind, []).append(at)
            at += len(payload) + 8
            if kind == b"sidx":
                parts, first = payload, at
        count = int.from_bytes(parts[30:32], "big") if parts[0] else int.from_bytes(parts[22:24])
        table = parts[32:] if parts[0] else parts[24:]
        told = [int.from_bytes(table[12 * n : 12 * n + 4], "big") for n in range(count)]
        found = starts[b"moof"]
        assert [first + sum(told[:n]) for n in range(count)] == found
        assert told[-1] == len(data) - found[-1] - tail(data)


def tail(data: bytes) -> int:
    """Return how many bytes follow the last fragment."""
    return sum(len(payload) + 8 for kind, payload in boxes_in(data) if kind == b"mfra")


def test_sound_that_fragments_have_no_room_for_makes_new_ones(tmp_path: Path) -> None:
    options = {"movflags": FRAGMENTS}
    src = make_clip(tmp_path / "a.mp4", seconds=2, audio=None, container_options=options)
    done = edit(src, tmp_path, 10, 30)
    assert done.rendered.video.action is Action.SMART
    assert done.rendered.audio.action is Action.CREATED
    assert b"moof" in kinds(done.out)
    assert_pictures_right(done)
    assert_verified(done)


def kinds(path: Path) -> list[bytes]:
    return [kind for kind, _ in boxes_in(path.read_bytes())]


@st.composite
def reordered(draw: st.DrawFn) -> list[int]:
    """Draw presentation times in decoding order, as B-frames make them."""
    steps = draw(st.lists(st.integers(1, 50), min_size=1, max_size=30))
    shown = [sum(steps[:n]) for n in range(len(steps))]
    order: list[int] = []
    while shown:
        group = shown[: draw(st.integers(1, 5))]
        order += [group[-1], *group[:-1]]
        shown = shown[len(group) :]
    return order


@given(reordered())
def test_derived_decoding_times_ascend_and_never_come_too_late(pts: list[int]) -> None:
    times = decoding_times(pts)
    assert len(times) == len(pts)
    assert all(a < b for a, b in pairwise(times))
    assert all(dts <= shown for dts, shown in zip(times, pts, strict=True))
    if pts == sorted(pts):
        assert times == pts


def test_every_packet_of_matroska_has_its_own_decoding_time(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "a.mkv", seconds=1, audio=None)
    times = [packet.dts for packet in index_packets(src, 0)]
    assert times == sorted(set(times))
