"""What each mode keeps it keeps packet for packet; what cannot be spliced is encoded anew."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

import av
import numpy as np
import pytest

from retake.core.errors import Cancelled, RenderFailed, StorageFailed
from retake.core.report import Action
from retake.core.request import Limits, Mode
from retake.core.watch import Stage, Watch
from retake.media.probe import probe
from retake.media.render import render
from retake.media.take import TakeFiles
from tests.clips import make_clip
from tests.media.compare import (
    assert_packets_kept,
    assert_pictures_right,
    assert_times_kept,
    packets,
    pictures,
    sound,
)
from tests.media.takes import edit, make_take, section_of


def tone_level(samples: np.ndarray[Any, Any], rate: int, hertz: float) -> float:
    """Return the amplitude of one frequency."""
    t = np.arange(samples.shape[-1]) / rate
    return float(2 * abs((samples[0] * np.exp(-2j * np.pi * hertz * t)).mean()))


@pytest.mark.parametrize("full", [False, True])
def test_replace_audio_keeps_every_packet_of_the_pictures(
    clip: Path, tmp_path: Path, full: bool
) -> None:
    done = edit(clip, tmp_path, 30, 60, Mode.AUDIO, force_full=full)
    assert done.rendered.video.action is Action.COPIED
    assert done.rendered.touched is None
    assert_packets_kept(done, 0, None)
    assert done.rendered.audio.action is (Action.REENCODED if full else Action.SMART)


@pytest.mark.parametrize("full", [False, True])
def test_replace_video_keeps_every_packet_of_the_sound(
    clip: Path, tmp_path: Path, full: bool
) -> None:
    done = edit(clip, tmp_path, 30, 60, Mode.VIDEO, force_full=full)
    assert done.rendered.audio.action is Action.COPIED
    assert done.rendered.audio_touched is None
    assert_packets_kept(done, 1, None)
    assert_pictures_right(done)


@pytest.mark.parametrize("full", [False, True])
def test_the_new_sound_is_in_the_section_and_nowhere_else(
    clip: Path, tmp_path: Path, full: bool
) -> None:
    done = edit(clip, tmp_path, 36, 60, Mode.AUDIO, force_full=full)
    heard, before = sound(done.out), sound(clip)
    assert heard.shape == before.shape
    rate = done.source.audio[0].sample_rate
    first, last = (round(t * rate) for t in (done.section.start, done.section.end))
    assert tone_level(heard[:, first + 2048 : last - 2048], rate, 900) == pytest.approx(0.2, 0.05)
    for part in (heard[:, : first - 2048], heard[:, last + 2048 :]):
        assert tone_level(part, rate, 900) < 0.005
    # Packets further away are the source's own; what a decoder draws at random in them is not.
    # The encoder has nothing to go by at the very start of a track.
    for part in (slice(2048 if full else 0, first - 2048), slice(last + 2048, None)):
        difference = np.abs(heard[:, part] - before[:, part]).max()
        assert difference < (0.1 if full else 0.001)


def test_the_new_sound_starts_at_its_sample(clip: Path, tmp_path: Path) -> None:
    done = edit(clip, tmp_path, 36, 60, Mode.AUDIO)
    heard = sound(done.out)
    rate = done.source.audio[0].sample_rate
    first = round(done.section.start * rate)
    wanted = 0.2 * np.sin(2 * np.pi * 900 * np.arange(8192) / rate)
    got = heard[0, first + 4096 : first + 8192]
    shifts = range(-30, 31)
    errors = [np.abs(got - wanted[4096 + s : 8192 + s][: len(got)]).mean() for s in range(-30, 1)]
    assert min(range(len(errors)), key=errors.__getitem__) == 30, list(shifts)


@pytest.mark.parametrize("mode", [Mode.AUDIO, Mode.AUDIO_AND_VIDEO])
def test_a_source_without_sound_gets_a_track(silent_clip: Path, tmp_path: Path, mode: Mode) -> None:
    done = edit(silent_clip, tmp_path, 24, 72, mode)
    assert done.rendered.audio.action is Action.CREATED
    assert done.rendered.audio.codec == "aac"
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_times_kept(done, 0)
    heard = sound(done.out)
    assert abs(heard.shape[1] / 48000 - done.source.video.duration) < 0.05
    assert tone_level(heard[:, 50000:90000], 48000, 900) == pytest.approx(0.2, 0.05)
    assert np.abs(heard[:, :46000]).max() < 0.01


def test_a_source_without_sound_stays_silent_in_replace_video(
    silent_clip: Path, tmp_path: Path
) -> None:
    done = edit(silent_clip, tmp_path, 24, 72, Mode.VIDEO)
    assert done.rendered.audio.action is Action.ABSENT
    with av.open(done.out) as container:
        assert not container.streams.audio


def test_sound_that_ends_before_the_section_is_encoded_anew(tmp_path: Path) -> None:
    short = np.zeros((2, 48000), np.float32)
    src = make_clip(tmp_path / "src.mp4", seconds=3, sound=short)
    done = edit(src, tmp_path, 48, 72)
    assert done.rendered.audio.action is Action.REENCODED
    assert "shorter" in (done.rendered.audio.reason or "")
    assert tone_level(sound(done.out)[:, 100_000:140_000], 48000, 900) == pytest.approx(0.2, 0.05)
    assert_packets_kept(done, 0, done.rendered.touched)


def test_mp3_is_encoded_anew_as_a_whole_and_the_pictures_are_spliced(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "src.mp4", audio="libmp3lame", seconds=3)
    done = edit(src, tmp_path, 24, 48)
    assert (done.rendered.audio.action, done.rendered.audio.codec) == (Action.REENCODED, "mp3")
    assert done.rendered.video.action is Action.SMART
    assert_packets_kept(done, 0, done.rendered.touched)
    with av.open(done.out) as container:
        names = [s.codec_context.codec.canonical_name for s in container.streams]
    assert names == ["h264", "mp3"]
    assert tone_level(sound(done.out)[:, 52_000:92_000], 48000, 900) == pytest.approx(0.2, 0.05)


def test_pcm_is_overwritten_byte_for_byte(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "src.mov", audio="pcm_s16le", seconds=3)
    done = edit(src, tmp_path, 24, 48)
    assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
    assert_packets_kept(done, 1, done.rendered.audio_touched)
    before, heard = sound(src).ravel(), sound(done.out).ravel()
    assert np.array_equal(before[: 2 * 48000], heard[: 2 * 48000])
    assert np.array_equal(before[4 * 48000 :], heard[4 * 48000 :])
    left = heard[2 * 48000 : 4 * 48000 : 2][None] / 32768
    assert tone_level(left, 48000, 900) == pytest.approx(0.2, 0.01)


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "hevc": ("src.mp4", {"codec": "libx265"}),
    "hevc_10_bits": ("src.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
    "mpeg4": ("src.mp4", {"codec": "mpeg4"}),
    "prores": ("src.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "bframes": 0}),
    "vp9": ("src.mp4", {"codec": "libvpx-vp9"}),
    "matroska": ("src.mkv", {}),
    "webm": ("src.webm", {"codec": "libvpx-vp9", "audio": "libopus"}),
    "transport_stream": ("src.ts", {}),
    "avi": ("src.avi", {"codec": "mpeg4", "bframes": 0, "audio": "libmp3lame"}),
    "fragmented": ("src.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}}),
    "rotated_matroska": ("src.mkv", {"rotation": 270}),
    "odd_size": ("src.mkv", {"codec": "libvpx-vp9", "size": (191, 107), "audio": "libopus"}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_stream_that_is_encoded_anew_keeps_its_form_and_says_why(
    name: str, tmp_path: Path
) -> None:
    file, options = OTHERS[name]
    src = make_clip(tmp_path / file, seconds=2, **options)
    out = "out.mov" if file.endswith(".mov") else "out.mp4"
    done = edit(src, tmp_path, 12, 36, Mode.VIDEO, name=out, force_full=True)
    report = done.rendered.video
    assert report.action is Action.REENCODED
    assert report.reason
    assert report.frames_reencoded == len(done.source.video.pts) - 24
    again = probe(done.out, Limits()).video
    assert again.codec == report.codec
    was = done.source.video
    assert (again.width, again.height, again.rotation) == (was.width, was.height, was.rotation)
    assert again.bit_depth == was.bit_depth
    assert again.colour.full_range == was.colour.full_range
    assert len(again.pts) == len(was.pts)
    tolerance = max(was.time_base, again.time_base)
    assert all(abs(a - b) <= tolerance for a, b in zip(again.times, was.times, strict=True))
    # A transport stream puts a header before every packet of AAC.
    header = 7 if name == "transport_stream" else 0
    kept = [p.digest for p in packets(done.out, 1)]
    assert kept == [p.digest for p in packets(src, 1, skip=header)]
    shown = [p.number for p in pictures(done.out, strict=True)]
    assert shown == [1023 - (n - 12) if 12 <= n < 36 else n for n in range(len(shown))]


@pytest.mark.parametrize("name", ["matroska", "transport_stream", "hevc"])
def test_both_streams_are_encoded_anew_together(name: str, tmp_path: Path) -> None:
    file, options = OTHERS[name]
    src = make_clip(tmp_path / file, seconds=2, **options)
    done = edit(src, tmp_path, 12, 36, name="out.mp4")
    heard, rate = sound(done.out), done.source.audio[0].sample_rate
    first = round(done.section.start * rate)
    assert tone_level(heard[:, first + 4000 : first + 40000], rate, 900) == pytest.approx(0.2, 0.1)
    assert tone_level(heard[:, : first - 4000], rate, 900) < 0.01


def test_full_range_and_colour_tags_survive_a_full_encode(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "src.mp4", seconds=1, pix_fmt="yuvj420p", full_range=True, matrix=1)
    done = edit(src, tmp_path, 6, 12, Mode.VIDEO, force_full=True)
    assert probe(done.out, Limits()).video.colour == done.source.video.colour
    assert_pictures_right(done)


def test_a_cancelled_render_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    cancel = Event()

    def stop(stage: Stage, done: int, _total: int) -> None:
        if stage is Stage.RENDER and done == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        edit(clip, tmp_path, 24, 72, watch=Watch(stop, cancel), name="out.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"take.mkv", "take.wav"}


def test_progress_counts_the_encoded_frames_up_to_the_end(clip: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    done = edit(
        clip, tmp_path, 24, 48, watch=Watch(lambda stage, at, total: seen.append((at, total)))
    )
    total = done.rendered.video.packets - done.rendered.video.packets_copied
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("name", "code"), [("folder", "is_directory"), ("missing/out.mp4", "no_folder")]
)
def test_a_place_that_cannot_be_written_is_told(
    clip: Path, tmp_path: Path, name: str, code: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageFailed) as caught:
        edit(clip, tmp_path, 24, 48, name=name)
    assert caught.value.code == code
    assert not list(tmp_path.glob(".*"))


def test_an_older_result_is_replaced_only_by_a_whole_one(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"older")
    source = probe(clip, Limits())
    section = section_of(source, 24, 48)
    take = make_take(tmp_path, source, section_of(source, 24, 30))
    with pytest.raises(RenderFailed) as caught:
        render(
            clip, tmp_path / "out.mp4", source, section, Mode.VIDEO,
            TakeFiles(take.video, None), Watch(),
        )  # fmt: skip
    assert caught.value.code == "take_missing"
    assert (tmp_path / "out.mp4").read_bytes() == b"older"


DISK_FULL = """
import resource, sys
from pathlib import Path
from retake.core.errors import StorageFailed
from tests.media.takes import edit, make_take, section_of
import tests.media.takes as takes
folder = Path(sys.argv[2])
made = takes.make_take
def then_limit(*args):
    take = made(*args)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
    return take
takes.make_take = then_limit
try:
    edit(Path(sys.argv[1]), folder, 24, 48, name=sys.argv[3])
except StorageFailed as error:
    sys.stdout.write(error.code)
"""


@pytest.mark.parametrize(("ending", "limit"), [("mp4", 30_000), ("mp4", 1000), ("mkv", 30_000)])
def test_a_full_disk_is_told_and_leaves_nothing(
    clip: Path, tmp_path: Path, ending: str, limit: int
) -> None:
    src = clip if ending == "mp4" else make_clip(tmp_path / "src.mkv")
    folder = tmp_path / "work"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(src), str(folder), f"out.{ending}", str(limit)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "disk_full", done.stderr
    assert {path.name for path in folder.iterdir()} == {"take.mkv", "take.wav"}


def test_timing_of_the_created_track_follows_a_late_first_frame(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "src.ts", seconds=2, audio=None)
    done = edit(src, tmp_path, 12, 36, name="out.mp4")
    after = probe(done.out, Limits())
    assert abs(after.audio[0].start) < Fraction(1, 20)
