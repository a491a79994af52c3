"""Tracks that are encoded anew, made, or one of several: codec, form, place and reason."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from retake.core.report import Action
from retake.core.request import Limits
from retake.media.probe import probe
from tests.clips import make_clip
from tests.media.compare import packets
from tests.media.sounds import (
    FIRST,
    LAST,
    chirps,
    clip_with,
    decoded_strictly,
    edit_sound,
    failed,
    lag,
    level_db,
)

AGAIN = {
    "mp3.mp4": ("libmp3lame", 2, 44100, "mp3", "bit reservoir"),
    "mp3.mkv": ("libmp3lame", 1, 22050, "mp3", "bit reservoir"),
    "mp2.mkv": ("mp2", 2, 48000, "mp2", "mp2"),
    "vorbis.webm": ("vorbis", 2, 48000, "opus", "code books"),
    "vorbis.mkv": ("vorbis", 2, 44100, "aac", "code books"),
}


@pytest.mark.parametrize("name", AGAIN)
def test_a_track_that_cannot_be_spliced_is_encoded_anew(name: str, tmp_path: Path) -> None:
    codec, channels, rate, wanted, reason = AGAIN[name]
    src = clip_with(tmp_path / name, codec, channels, rate)
    done = edit_sound(src, tmp_path)
    report = done.rendered.audio
    assert report.action is Action.REENCODED
    assert report.codec == wanted
    assert reason in (report.reason or "")
    made = probe(done.out, Limits()).audio[0]
    assert (made.codec, made.sample_rate, made.channels) == (wanted, rate, channels)
    assert made.layout == done.audio.layout
    before, after = done.heard()
    heard = after[:, done.start : done.end]
    assert lag(heard, done.take) == 0
    assert level_db(heard - done.take) <= level_db(done.take) - 15
    early = slice(rate // 8, rate // 2)
    assert lag(after[:, early], before[:, early]) == 0
    decoded_strictly(done.out)
    assert not failed(done)


def test_he_aac_becomes_aac_lc_and_the_report_says_so(tmp_path: Path) -> None:
    plain = clip_with(tmp_path / "plain.mkv", "aac", rate=24000)
    src = tmp_path / "he.mkv"
    with av.open(plain) as source, av.open(src, "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
        # Object type 5 (SBR) at 24 kHz, two channels, heard at 48 kHz, around object type 2 (LC).
        copies[1].codec_context.extradata = bytes.fromhex("2b118800")
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                out.mux(packet)
    done = edit_sound(src, tmp_path)
    report = done.rendered.audio
    assert (report.action, report.codec) == (Action.REENCODED, "aac")
    assert "HE-AAC" in (report.reason or "")
    assert probe(done.out, Limits()).audio[0].sample_rate == done.audio.sample_rate == 48000
    _, after = done.heard()
    assert lag(after[:, done.start : done.end], done.take) == 0
    assert not failed(done)


@pytest.mark.parametrize(
    ("name", "wanted"), [("a.mp4", "aac"), ("a.mov", "aac"), ("a.mkv", "aac"), ("a.webm", "opus")]
)
def test_a_silent_film_gets_a_track_that_its_container_holds(
    name: str, wanted: str, tmp_path: Path
) -> None:
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    src = make_clip(tmp_path / name, codec=codec, seconds=2, size=(64, 48), audio=None)
    done = edit_sound(src, tmp_path)
    assert (done.rendered.audio.action, done.rendered.audio.codec) == (Action.CREATED, wanted)
    with av.open(done.out) as container:
        rate = container.streams.audio[0].rate
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    heard = np.concatenate(blocks, axis=1)
    assert rate == 48000
    assert lag(heard[:, done.start : done.end], done.take) == 0
    assert level_db(heard[:, : done.start - 2048]) < -60
    assert level_db(heard[:, done.end + 2048 :]) < -60
    assert not failed(done)


def with_tracks(path: Path, codecs: list[str]) -> Path:
    """Write a clip with several tracks, the second one marked as the default."""
    folder = path.parent
    single = [clip_with(folder / f"{n}{path.suffix}", codec) for n, codec in enumerate(codecs)]
    sources = [av.open(one) for one in single]
    options = {"default_mode": "passthrough"} if path.suffix == ".mkv" else {}
    with av.open(path, "w", options=options) as out:
        flows: list[tuple[Any, Any]] = [(sources[0], sources[0].streams.video[0])]
        flows += [(source, source.streams.audio[0]) for source in sources]
        made = []
        for _, stream in flows:
            new: Any = out.add_stream_from_template(stream, opaque=True)
            made.append(new)
        for number, new in enumerate(made[1:]):
            new.metadata["language"] = ("eng", "fra", "deu")[number]
            new.disposition = int(number == 1)
        for (source, stream), new in zip(flows, made, strict=True):
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = new
                    out.mux(packet)
            source.seek(0)
    for source in sources:
        source.close()
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("track", [None, 1])
def test_one_of_several_tracks_is_edited_and_the_others_are_copied(
    name: str, track: int | None, tmp_path: Path
) -> None:
    src = with_tracks(tmp_path / name, ["aac", "flac", "ac3"])
    source = probe(src, Limits())
    assert [audio.codec for audio in source.audio] == ["flac", "aac", "ac3"]
    done = edit_sound(src, tmp_path, track=track)
    chosen = 2 if track is None else 1
    assert done.audio.index == chosen
    assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
    for index in (1, 2, 3):
        same = packets(src, index) == packets(done.out, index)
        assert same == (index != chosen)
    with av.open(done.out) as container:
        languages = [stream.metadata.get("language") for stream in container.streams.audio]
        defaults = [bool(stream.disposition & 1) for stream in container.streams.audio]
    assert languages == ["eng", "fra", "deu"]
    assert defaults == [False, True, False]
    assert not failed(done)


def shifted(src: Path, dst: Path, seconds: Fraction, gap: Fraction = Fraction(0)) -> Path:
    """Copy a clip with its sound later by `seconds`, and from 1 s on by another `gap`."""
    with av.open(src) as source, av.open(dst, "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            if packet.stream_index == 1:
                base = Fraction(packet.time_base)
                late = seconds + (gap if packet.pts * base >= 1 else 0)
                packet.pts, packet.dts = (t + round(late / base) for t in (packet.pts, packet.dts))
            packet.stream = copies[packet.stream_index]
            out.mux(packet)
    return dst


@pytest.mark.parametrize("codec", ["aac", "libopus", "flac", "pcm_s16le", "ac3"])
@pytest.mark.parametrize("late", [Fraction(1, 5), Fraction(-1, 10)])
def test_sound_that_starts_later_or_earlier_than_the_pictures_is_met_on_the_sample(
    codec: str, late: Fraction, tmp_path: Path
) -> None:
    suffix = ".mov" if codec.startswith("pcm") else ".mp4"
    src = shifted(clip_with(tmp_path / f"a{suffix}", codec), tmp_path / f"b{suffix}", late)
    done = edit_sound(src, tmp_path)
    assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
    # The section starts where its first frame is shown, whenever the track began.
    moment = done.source.video.time_of(FIRST)
    assert abs(done.audio.start + Fraction(done.start, 48000) - moment) <= Fraction(1, 96000)
    if late > 0:
        # Moved so, priming is no longer marked as such: it sounds, as silence, before the rest.
        assert abs(done.audio.start - late) <= Fraction(1, 40)
    _, after = done.heard()
    assert lag(after[:, done.start : done.end], done.take) == 0
    assert not failed(done)


@pytest.mark.parametrize("codec", ["aac", "flac"])
def test_a_gap_outside_the_section_is_left_alone(codec: str, tmp_path: Path) -> None:
    src = shifted(
        clip_with(tmp_path / "a.mkv", codec), tmp_path / "b.mkv", Fraction(0), Fraction(1, 4)
    )
    done = edit_sound(src, tmp_path, 2, 14)
    assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
    first, last = done.rendered.audio_touched or (0, 0)
    old, new = packets(src, 1), packets(done.out, 1)
    assert old[:first] + old[last:] == new[:first] + new[last:]
    assert not failed(done)


def test_a_gap_within_the_section_has_the_track_encoded_anew(tmp_path: Path) -> None:
    src = shifted(
        clip_with(tmp_path / "a.mkv", "flac"), tmp_path / "b.mkv", Fraction(0), Fraction(1, 4)
    )
    done = edit_sound(src, tmp_path, 20, 40)
    assert done.rendered.audio.action is Action.REENCODED
    assert done.rendered.audio.codec == "flac"
    assert "gaps" in (done.rendered.audio.reason or "")
    before, after = done.heard()
    outside = np.r_[: done.start, done.end : before.shape[1]]
    assert np.array_equal(before[:, outside], after[:, outside])


def test_sound_that_ends_before_the_section_stays_without_loss(tmp_path: Path) -> None:
    src = clip_with(tmp_path / "a.mov", "alac", form="s16p", sound=chirps(2, 48000, 1))
    done = edit_sound(src, tmp_path, 20, 40)
    assert done.rendered.audio.action is Action.REENCODED
    assert done.rendered.audio.codec == "alac"
    before, after = done.heard()
    assert np.array_equal(before[:, : done.start], after[:, : done.start])
    made = probe(done.out, Limits()).audio[0]
    assert made.duration == Fraction(done.end, 48000)
    assert LAST > FIRST
