"""Nothing damaged passes its verification: every way of spoiling a result is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.report import Action, Check
from retake.core.request import Limits, Mode
from retake.core.watch import Watch
from retake.media.probe import probe
from retake.media.proof.compare_pictures import Films, check_pictures
from retake.media.proof.verify import verify
from tests.clips import make_clip
from tests.media.takes import Edit, edit, section_of

FIRST, LAST = 30, 66


@pytest.fixture(scope="module")
def done(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Edit:
    return edit(clip, tmp_path_factory.mktemp("damage"), FIRST, LAST)


def failures(one: Edit, out: Path | None = None, mode: Mode = Mode.AUDIO_AND_VIDEO) -> set[str]:
    checks = verify(one.src, out or one.out, one.source, one.section, mode, one.rendered)
    return {check.name for check in checks if not check.passed}


def places(path: Path, kind: str) -> list[tuple[int, int]]:
    with av.open(path) as container:
        return [(p.pos, p.size) for p in container.demux(**{kind: 0}) if p.size]


def outside(one: Edit, kind: str) -> list[int]:
    touched = one.rendered.touched if kind == "video" else one.rendered.audio_touched
    first, last = touched or (0, 0)
    count = len(places(one.out, kind))
    return [at for at in range(count) if not first <= at < last]


def flipped(path: Path, place: tuple[int, int], byte: int, bit: int) -> None:
    """Turn one bit of a packet over."""
    with path.open("r+b") as file:
        file.seek(place[0] + byte % place[1])
        was = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([was ^ 1 << bit]))


@settings(max_examples=6)
@given(data=st.data())
def test_any_bit_of_any_kept_packet_counts(
    done: Edit, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["video", "audio"]))
    number = data.draw(st.sampled_from(outside(done, kind)))
    copy = Path(shutil.copy(done.out, tmp_path_factory.mktemp("bit") / "a.mp4"))
    place = places(copy, kind)[number]
    flipped(copy, place, data.draw(st.integers(0, place[1] - 1)), data.draw(st.integers(0, 7)))
    assert f"{kind} packets outside" in failures(done, copy)


def rewritten(src: Path, dst: Path, change: Callable[[list[Any]], list[Any]]) -> Path:
    """Copy a file with the packets of its pictures exchanged by `change`."""
    with av.open(src) as before, av.open(dst, "w") as after:
        kept = {s.index: after.add_stream_from_template(s, opaque=True) for s in before.streams}
        packets = [packet for packet in before.demux() if packet.size]
        video = change([p for p in packets if p.stream.type == "video"])
        sound = [p for p in packets if p.stream.type == "audio"]
        for packet in [*video, *sound]:
            packet.stream = kept[packet.stream_index]
        for packet in sorted([*video, *sound], key=lambda p: p.dts * p.time_base):
            after.mux(packet)
    return dst


def with_bytes_of(packet: Any, other: Any) -> Any:
    """Return a packet with the times of one and the bytes of another."""
    copy = av.Packet(bytes(other))
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
    copy.stream = packet.stream
    return copy


def test_two_packets_that_changed_places_are_noticed(done: Edit, tmp_path: Path) -> None:
    def swapped(video: list[Any]) -> list[Any]:
        first, second = video[85], video[86]
        video[85], video[86] = with_bytes_of(first, second), with_bytes_of(second, first)
        return video

    copy = rewritten(done.out, tmp_path / "a.mp4", swapped)
    assert "video packets outside" in failures(done, copy)


def test_a_file_that_is_only_written_anew_passes(done: Edit, tmp_path: Path) -> None:
    copy = rewritten(done.out, tmp_path / "a.mp4", lambda video: video)
    assert "video packets outside" not in failures(done, copy)


def test_times_that_changed_places_are_noticed(done: Edit, tmp_path: Path) -> None:
    def swapped(video: list[Any]) -> list[Any]:
        video[85].pts, video[86].pts = video[86].pts, video[85].pts
        return video

    copy = rewritten(done.out, tmp_path / "a.mp4", swapped)
    assert "video packet times" in failures(done, copy)


def test_a_pad_that_shows_something_else_is_noticed(clip: Path, tmp_path: Path) -> None:
    wide = edit(clip, tmp_path, FIRST - 6, LAST)
    narrow = replace(wide, section=section_of(wide.source, FIRST, LAST))
    assert "re-encoded pictures" in failures(narrow)


def test_a_pad_that_is_not_exact_breaks_the_promise_of_exact_pads(done: Edit) -> None:
    assert "pictures around" in failures(
        replace(done, rendered=replace(done.rendered, exact_pads=True))
    )


def lossless(path: Path, spoil: Callable[[int, np.ndarray[Any, Any]], None]) -> Path:
    """Write a second of noise without loss; `spoil` may change each picture's luma."""
    rng = np.random.default_rng(3)
    with av.open(path, "w") as out:
        stream = out.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(24):
            planes = rng.integers(60, 180, (540, 640), np.uint8)
            spoil(number, planes[:360])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        out.mux(stream.encode(None))
    return path


def pads_check(folder: Path, spoil: Callable[[int, np.ndarray[Any, Any]], None]) -> Check:
    """Return what is found of pads that `spoil` changed."""
    src = lossless(folder / "a.mkv", lambda _number, _luma: None)
    out = lossless(folder / "b.mkv", spoil)
    source = probe(src, Limits())
    films = Films(src, source, out, probe(out, Limits()))
    found = check_pictures(
        films, [section_of(source, 11, 14)], source.video.pts[8:16], exact_pads=False
    )
    return next(check for check in found if check.name == "re-encoded pictures")


def test_one_lost_block_of_a_large_picture_is_noticed(tmp_path: Path) -> None:
    def lost(number: int, luma: np.ndarray[Any, Any]) -> None:
        if number == 9:
            luma[160:176, 320:336] += 40

    found = pads_check(tmp_path, lost)
    # The whole is 45 dB alike: only its block tells.
    assert float(found.detail.split("at least ")[1].split()[0]) > 45
    assert not found.passed


@pytest.mark.parametrize(("grains", "passes"), [(1, True), (6, False)])
def test_a_pad_full_of_noise_is_noticed_and_what_encoders_leave_is_not(
    tmp_path: Path, grains: int, passes: bool
) -> None:
    rng = np.random.default_rng(8)

    def noisy(number: int, luma: np.ndarray[Any, Any]) -> None:
        if number == 15:
            luma += rng.integers(0, grains + 1, luma.shape, np.uint8)
            luma -= np.uint8(grains // 2)

    # Half a level in the mean moves no block.
    assert pads_check(tmp_path, noisy).passed is passes


@pytest.mark.parametrize(
    ("name", "audio"), [("a.mov", "pcm_s16le"), ("a.mkv", "flac"), ("a.mp4", "alac")]
)
def test_one_sample_outside_is_noticed_where_sound_has_no_loss(
    tmp_path: Path, name: str, audio: str
) -> None:
    src = make_clip(tmp_path / name, audio=audio, seconds=3)
    wide = edit(src, tmp_path, FIRST - 1, LAST, Mode.AUDIO, name=f"out-{name}")
    assert wide.rendered.audio.action is Action.SMART
    assert failures(wide, mode=Mode.AUDIO) == set()
    # A section that begins one sample later: the sample in front of it is not the source's.
    late = wide.section.start + Fraction(1, 48000)
    narrow = replace(wide, section=replace(wide.section, start=late))
    assert failures(narrow, mode=Mode.AUDIO) == {"sound outside"}


def test_new_sound_that_reaches_beyond_the_section_is_noticed(tmp_path: Path, clip: Path) -> None:
    wide = edit(clip, tmp_path, FIRST - 6, LAST + 6, Mode.AUDIO)
    claimed = replace(wide, section=section_of(wide.source, FIRST, LAST))
    assert failures(claimed, mode=Mode.AUDIO) >= {
        "sound before the section",
        "sound behind the section",
    }


def test_sound_without_packets_around_still_has_to_be_like_the_source(
    clip: Path, tmp_path: Path
) -> None:
    full = edit(clip, tmp_path, FIRST, LAST, force_full=True)
    other = edit(full.out, tmp_path, 0, 20, Mode.AUDIO, name="other.mp4", force_full=True)
    assert failures(full, other.out) == {"sound outside"}


def checks_of(one: Edit, watch: Watch) -> Iterator[Check]:
    yield from verify(
        one.src, one.out, one.source, one.section, Mode.AUDIO_AND_VIDEO, one.rendered, watch
    )


def test_progress_is_told_in_pictures(done: Edit) -> None:
    told: list[tuple[int, int]] = []
    list(checks_of(done, Watch(lambda _stage, number, total: told.append((number, total)))))
    assert told[-1][0] == told[-1][1] > 40
