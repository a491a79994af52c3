"""Verification passes what was kept as promised, and notices every way of breaking the promise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import pytest

from retake.core.report import Action, Check
from retake.core.request import Mode
from retake.core.timing import FrameRange
from retake.media.proof.verify import verify
from tests.clips import make_clip
from tests.media.takes import Edit, edit


@dataclass(frozen=True)
class Case:
    """An edit and the mode that it was made in."""

    edit: Edit
    mode: Mode

    def verify(self, out: Path | None = None) -> tuple[Check, ...]:
        e = self.edit
        return verify(e.src, out or e.out, e.source, e.section, self.mode, e.rendered)

    def failures(self, out: Path | None = None) -> set[str]:
        return {check.name for check in self.verify(out) if not check.passed}


@pytest.fixture(scope="module")
def case(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Case]:
    made: dict[tuple[Mode, bool], Case] = {}

    def make(mode: Mode = Mode.AUDIO_AND_VIDEO, *, force_full: bool = False) -> Case:
        key = mode, force_full
        if key not in made:
            folder = tmp_path_factory.mktemp("verify")
            made[key] = Case(edit(clip, folder, 30, 66, mode, force_full=force_full), mode)
        return made[key]

    return make


@pytest.mark.parametrize("force_full", [False, True])
@pytest.mark.parametrize("mode", Mode)
def test_what_was_kept_as_promised_passes(
    case: Callable[..., Case], mode: Mode, force_full: bool
) -> None:
    checks = case(mode, force_full=force_full).verify()
    assert [check for check in checks if not check.passed] == []
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    if mode is Mode.AUDIO:
        assert "video packets" in names
    if mode is Mode.VIDEO:
        assert "audio packets" in names
    if mode.replaces_video:
        assert "strict decoding" in names


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", {}),
        ("a.webm", {"codec": "libvpx-vp9", "audio": "libopus"}),
        ("a.ts", {}),
        ("a.mp4", {"audio": None}),
        ("a.mp4", {"variable": True, "rotation": 90}),
        ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "audio": "pcm_s16le"}),
    ],
)
@pytest.mark.parametrize("mode", [Mode.AUDIO_AND_VIDEO, Mode.AUDIO])
def test_other_files_pass_as_well(
    tmp_path: Path, name: str, options: dict[str, Any], mode: Mode
) -> None:
    src = make_clip(tmp_path / name, seconds=3, **options)
    ending = ".mp4" if src.suffix == ".ts" else src.suffix
    one = Case(edit(src, tmp_path, 20, 60, mode, name=f"out{ending}"), mode)
    assert one.failures() == set()


def packets(path: Path, kind: str) -> list[tuple[int, int]]:
    with av.open(path) as container:
        return [(p.pos, p.size) for p in container.demux(**{kind: 0}) if p.size]


def tampered(case: Case, folder: Path, kind: str, number: int) -> Path:
    """Return a copy of the output with one bit turned over in the middle of a packet."""
    copy = Path(shutil.copy(case.edit.out, folder / "tampered.mp4"))
    place, size = packets(copy, kind)[number]
    with copy.open("r+b") as file:
        file.seek(place + size // 2)
        byte = file.read(1)[0]
        file.seek(place + size // 2)
        file.write(bytes([byte ^ 1]))
    return copy


@pytest.mark.parametrize("number", [0, 10, -1])
def test_one_bit_outside_the_section_is_noticed(
    case: Callable[..., Case], tmp_path: Path, number: int
) -> None:
    one = case()
    assert one.edit.rendered.video.action is Action.SMART
    assert "video packets outside" in one.failures(tampered(one, tmp_path, "video", number))
    assert "audio packets outside" in one.failures(tampered(one, tmp_path, "audio", number))


@pytest.mark.parametrize("number", [0, 40, -1])
def test_one_bit_of_a_kept_stream_is_noticed(
    case: Callable[..., Case], tmp_path: Path, number: int
) -> None:
    sound = case(Mode.AUDIO)
    assert "video packets" in sound.failures(tampered(sound, tmp_path, "video", number))
    pictures = case(Mode.VIDEO)
    assert "audio packets" in pictures.failures(tampered(pictures, tmp_path, "audio", number))


@pytest.mark.parametrize("from_share", [0.1, 0.7])
def test_broken_packets_in_the_section_do_not_decode_strictly(
    case: Callable[..., Case], tmp_path: Path, from_share: float
) -> None:
    one = case()
    copy = Path(shutil.copy(one.edit.out, tmp_path / "broken.mp4"))
    with copy.open("r+b") as file:
        for place, size in packets(copy, "video")[35:50]:
            intact = round(size * from_share)
            file.seek(place + intact)
            file.write(b"\xa5" * (size - intact))
    # A decoder conceals what is missing at a picture's end, unless it is told not to.
    assert "strict decoding" in one.failures(copy)


def remuxed(
    src: Path, dst: Path, change: Callable[[int, Any], Any], kinds: tuple[str, ...] = ()
) -> Path:
    """Copy a file packet by packet; `change` gets the number of each packet of the pictures."""
    with av.open(src) as before, av.open(dst, "w") as after:
        kept = {
            s.index: after.add_stream_from_template(s, opaque=True)
            for s in before.streams
            if not kinds or s.type in kinds
        }
        number = 0
        for packet in before.demux(*[before.streams[index] for index in kept]):
            if not packet.size:
                continue
            changed = packet
            if packet.stream.type == "video":
                changed, number = change(number, packet), number + 1
            if changed is not None:
                changed.stream = kept[packet.stream_index]
                after.mux(changed)
    return dst


def test_a_lost_frame_is_noticed(case: Callable[..., Case], tmp_path: Path) -> None:
    one = case()
    lost = remuxed(one.edit.out, tmp_path / "a.mp4", lambda at, p: None if at == 95 else p)
    assert "frame count" in one.failures(lost)


def test_a_frame_shown_at_another_time_is_noticed(
    case: Callable[..., Case], tmp_path: Path
) -> None:
    def later(number: int, packet: Any) -> Any:
        if number == 95:
            packet.pts += 40
        return packet

    one = case()
    assert "frame times" in one.failures(remuxed(one.edit.out, tmp_path / "a.mp4", later))


def test_a_lost_track_is_noticed(case: Callable[..., Case], tmp_path: Path) -> None:
    for mode in Mode:
        one = case(mode)
        mute = remuxed(one.edit.out, tmp_path / "a.mp4", lambda _, p: p, ("video",))
        assert "sound" in one.failures(mute)


def test_pictures_in_other_colours_or_another_size_are_noticed(
    case: Callable[..., Case], tmp_path: Path
) -> None:
    one = case(force_full=True)
    for options in ({"matrix": 5}, {"full_range": True}, {"size": (160, 90)}, {"rotation": 180}):
        other = make_clip(tmp_path / "a.mp4", **options)
        assert "picture form" in one.failures(other)


def test_a_re_encode_that_shows_something_else_is_noticed(
    case: Callable[..., Case], tmp_path: Path
) -> None:
    one = case(force_full=True)
    other = edit(one.edit.out, tmp_path, 0, 20, Mode.VIDEO, force_full=True).out
    assert one.failures(other) == {"re-encoded pictures"}


def test_sound_that_moved_is_noticed(case: Callable[..., Case], tmp_path: Path) -> None:
    one = case(force_full=True)
    source = av.open(one.edit.out)
    with source as before, av.open(tmp_path / "a.mp4", "w") as after:
        kept = {s.index: after.add_stream_from_template(s, opaque=True) for s in before.streams}
        for packet in before.demux():
            if packet.size:
                if packet.stream.type == "audio":
                    packet.pts, packet.dts = packet.pts + 600, packet.dts + 600
                packet.stream = kept[packet.stream_index]
                after.mux(packet)
    assert "sound outside" in one.failures(tmp_path / "a.mp4")


def test_a_file_that_cannot_be_read_is_noticed(case: Callable[..., Case], tmp_path: Path) -> None:
    one = case()
    content = one.edit.out.read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: len(content) // 2])
    assert one.failures(tmp_path / "a.mp4") == {"readable"}
    assert one.failures(tmp_path / "none.mp4") == {"readable"}


def test_a_claim_to_have_touched_less_is_noticed(case: Callable[..., Case]) -> None:
    one = case()
    first, last = one.edit.rendered.touched or (0, 0)
    claim = replace(one.edit.rendered, touched=(first + 1, last))
    assert "video packets outside" in Case(replace(one.edit, rendered=claim), one.mode).failures()


def test_a_claim_to_have_copied_what_was_re_encoded_is_noticed(case: Callable[..., Case]) -> None:
    one = case(force_full=True)
    video = replace(one.edit.rendered.video, action=Action.COPIED)
    audio = replace(one.edit.rendered.audio, action=Action.COPIED)
    claim = replace(one.edit.rendered, video=video, audio=audio)
    wrong = Case(replace(one.edit, rendered=claim), one.mode).failures()
    assert wrong >= {"video packets", "audio packets"}


def test_a_new_track_that_sounds_outside_the_section_is_noticed(
    silent_clip: Path, tmp_path: Path
) -> None:
    one = Case(edit(silent_clip, tmp_path, 30, 66, Mode.AUDIO), Mode.AUDIO)
    assert one.edit.rendered.audio.action is Action.CREATED
    assert one.failures() == set()
    section = replace(one.edit.section, frames=FrameRange(50, 66), start=one.edit.section.end / 2)
    assert Case(replace(one.edit, section=section), one.mode).failures() == {"new sound track"}
