"""Two files compared by themselves: what became of every picture, and of every moment of sound."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from retake.core.errors import BadSource, Cancelled
from retake.core.proof import Kind, Proof, Strip
from retake.core.request import Mode
from retake.core.watch import Stage, Watch
from retake.media.proof.compare import compare
from retake.media.proof.guarded import compare_safely
from retake.media.proof.verdict import judge
from tests.clips import make_clip, picture, tone
from tests.media.takes import Edit, edit

FIRST, LAST = 30, 66


@pytest.fixture(scope="module")
def edited(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Edit:
    return edit(clip, tmp_path_factory.mktemp("compare"), FIRST, LAST)


def compared(src: Path, out: Path, *, everything: bool = False) -> Proof:
    return compare(src, out, Watch(), everything=everything)


def counts(strip: Strip) -> dict[str, int]:
    return {str(kind): count for kind, count in Counter(strip.kinds).items()}


def remuxed(src: Path, dst: Path, change: Callable[[str, int, Any], list[Any]]) -> Path:
    """Copy a file packet by packet; `change` gets kind, number and packet, and gives packets."""
    with av.open(src) as before, av.open(dst, "w") as after:
        kept = {s.index: after.add_stream_from_template(s, opaque=True) for s in before.streams}
        numbers: Counter[str] = Counter()
        for packet in before.demux():
            if packet.size:
                kind = packet.stream.type
                for one in change(kind, numbers[kind], packet):
                    one.stream = kept[packet.stream_index]
                    after.mux(one)
                numbers[kind] += 1
    return dst


def test_a_file_is_the_same_as_itself_and_nothing_is_decoded(clip: Path) -> None:
    done: list[tuple[Stage, int]] = []
    proof = compare(clip, clip, Watch(lambda stage, number, _: done.append((stage, number))))
    assert [counts(strip) for strip in proof.strips] == [{"identical": 96}, {"identical": 188}]
    assert not [number for stage, number in done if stage is Stage.VERIFY]
    verdict = judge(proof)
    assert (verdict.untouched, verdict.same_file, verdict.section) == (True, True, None)


def test_an_edit_is_found_where_it_was_made(clip: Path, edited: Edit) -> None:
    proof = compared(clip, edited.out)
    pictures, sound = proof.strips
    assert set(pictures.kinds[FIRST:LAST]) == {Kind.CHANGED}
    assert Kind.CHANGED not in {*pictures.kinds[:FIRST], *pictures.kinds[LAST:]}
    first, last = edited.rendered.touched or (0, 0)
    identical = [at for at, kind in enumerate(pictures.kinds) if kind is Kind.IDENTICAL]
    assert len(identical) == 96 - (last - first)
    section = judge(proof).section
    assert section is not None
    assert abs(section[0] - edited.section.start) < Fraction(1, 20)
    assert abs(section[1] - edited.section.end) < Fraction(1, 20)
    heard = {kind for kind, at in zip(sound.kinds, sound.starts, strict=False) if at < 1 or at > 3}
    assert heard == {Kind.IDENTICAL}


def test_decoding_everything_finds_the_same(clip: Path, edited: Edit) -> None:
    quick, whole = compared(clip, edited.out), compared(clip, edited.out, everything=True)
    assert [strip.kinds for strip in quick.strips] == [strip.kinds for strip in whole.strips]


@pytest.mark.parametrize(("mode", "kept"), [(Mode.AUDIO, 0), (Mode.VIDEO, 1)])
def test_a_stream_that_was_kept_is_identical(
    clip: Path, tmp_path: Path, mode: Mode, kept: int
) -> None:
    proof = compared(clip, edit(clip, tmp_path, FIRST, LAST, mode).out)
    assert set(proof.strips[kept].kinds) == {Kind.IDENTICAL}
    assert Kind.CHANGED in proof.strips[1 - kept].kinds


def test_a_re_encode_is_alike_and_nothing_but_the_section_is_changed(
    clip: Path, tmp_path: Path
) -> None:
    proof = compared(clip, edit(clip, tmp_path, FIRST, LAST, force_full=True).out)
    assert counts(proof.strips[0]) == {"near": 60, "changed": 36}
    verdict = judge(proof)
    assert not verdict.untouched
    assert verdict.alike
    assert judge(proof, near_db=20).untouched
    assert verdict.outside[0].worst_db is not None
    assert verdict.outside[0].worst_db > 30


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx265"), ("a.webm", "libvpx-vp9"), ("a.avi", "mpeg4")]
)
def test_another_codec_is_compared_by_its_pictures(
    clip: Path, tmp_path: Path, name: str, codec: str
) -> None:
    audio = {"a.webm": "libopus", "a.avi": "libmp3lame"}.get(name, "aac")
    other = make_clip(tmp_path / name, codec=codec, audio=audio, bframes=0)
    proof = compared(clip, other)
    assert set(proof.strips[0].kinds) == {Kind.NEAR}
    assert set(proof.strips[1].kinds) <= {Kind.NEAR, Kind.EXACT, Kind.IDENTICAL, Kind.ADDED}
    assert judge(proof).section is None


def test_a_lossless_copy_is_bit_exact(clip: Path, tmp_path: Path) -> None:
    lossless = tmp_path / "a.mkv"
    with av.open(clip) as before, av.open(lossless, "w") as after:
        stream = after.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 192, 108, "yuv420p"
        for frame in before.decode(video=0):
            frame.pict_type = 0
            after.mux(stream.encode(frame))
        after.mux(stream.encode(None))
    proof = compared(clip, lossless)
    assert counts(proof.strips[0]) == {"exact": 96}
    assert [strip.medium for strip in proof.strips] == ["video"]
    assert any("sound tracks" in loss for loss in judge(proof).losses)


def test_packets_in_another_container_are_identical(clip: Path, tmp_path: Path) -> None:
    moved = remuxed(clip, tmp_path / "a.mkv", lambda _kind, _number, packet: [packet])
    proof = compared(clip, moved)
    assert [set(strip.kinds) for strip in proof.strips] == [{Kind.IDENTICAL}] * 2
    verdict = judge(proof)
    assert verdict.untouched
    assert any("container" in note for note in verdict.notes)


def test_a_lost_picture_is_one_missing_and_no_others_changed(clip: Path, tmp_path: Path) -> None:
    # The last one in decoding order is a picture that no other leans on.
    out = remuxed(
        clip, tmp_path / "a.mp4", lambda kind, at, p: [] if (kind, at) == ("video", 95) else [p]
    )
    proof = compared(clip, out)
    assert counts(proof.strips[0]) == {"identical": 95, "removed": 1}
    assert "1 picture" in " ".join(judge(proof, given=(Fraction(0), Fraction(1))).losses)


def test_an_inserted_run_does_not_make_everything_behind_it_differ(tmp_path: Path) -> None:
    options: dict[str, Any] = {"gop": 12, "bframes": 0, "audio": None, "seconds": 3}
    src = make_clip(tmp_path / "a.mp4", **options)
    extra: list[tuple[int, bytes]] = []
    with av.open(src) as container:
        extra.extend((p.duration, bytes(p)) for p in container.demux(video=0) if p.size)
    step = extra[0][0]

    def twice(_kind: str, number: int, packet: Any) -> list[Any]:
        run: list[Any] = []
        if number == 36:
            for at in range(12):
                copy = av.Packet(extra[at][1])
                copy.pts = copy.dts = (36 + at) * step
                copy.time_base, copy.duration = packet.time_base, step
                copy.is_keyframe = at == 0
                run.append(copy)
        late = 12 * step if number >= 36 else 0
        packet.pts, packet.dts = packet.pts + late, packet.dts + late
        return [*run, packet]

    proof = compared(src, remuxed(src, tmp_path / "b.mp4", twice))
    assert counts(proof.strips[0]) == {"identical": 72, "added": 12}
    assert proof.strips[0].moved == 36
    assert proof.strips[0].furthest == Fraction(1, 2)


def test_a_small_change_is_not_taken_for_a_re_encode(tmp_path: Path) -> None:
    """A patch of a fiftieth of the picture leaves the whole 30 dB alike, as a re-encode does."""
    options: dict[str, Any] = {"seconds": 1, "audio": None, "size": (320, 180)}
    src = make_clip(tmp_path / "a.mp4", **options)
    out = tmp_path / "b.mp4"
    with av.open(out, "w") as after:
        stream = after.add_stream("libx264", rate=24, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(24):
            rgb = picture(number, 320, 180)
            if number >= 12:
                rgb[16:48, 32:64] = np.clip(rgb[16:48, 32:64].astype(int) + 30, 0, 255)
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
                format="yuv420p", src_color_range=2, dst_color_range=1
            )
            after.mux(stream.encode(frame))
        after.mux(stream.encode(None))
    kinds = compared(src, out).strips[0].kinds
    assert kinds == (Kind.NEAR,) * 12 + (Kind.CHANGED,) * 12


def test_sound_with_a_faint_noise_added_is_changed(tmp_path: Path) -> None:
    quiet = tone(4, 48000, 2)
    noisy = quiet.copy()
    rng = np.random.default_rng(5)
    noisy[:, 96000:144000] += (0.02 * rng.standard_normal((2, 48000))).astype(np.float32)
    src = make_clip(tmp_path / "a.mp4", sound=quiet)
    out = make_clip(tmp_path / "b.mp4", sound=noisy)
    section = judge(compared(src, out)).section
    assert section is not None
    assert abs(section[0] - 2) < Fraction(1, 10)
    assert abs(section[1] - 3) < Fraction(1, 10)


def test_a_constant_delay_of_the_sound_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    sound = (0.1 * rng.standard_normal((2, 96000))).astype(np.float32)
    options: dict[str, Any] = {"seconds": 2, "audio": "flac"}
    src = make_clip(tmp_path / "a.mkv", sound=sound, **options)
    out = make_clip(tmp_path / "b.mkv", sound=np.roll(sound, 1024, axis=1), **options)
    strip = compared(src, out).strips[1]
    assert abs(strip.furthest - Fraction(1024, 48000)) < Fraction(1, 1000)
    assert Counter(strip.kinds).most_common(1)[0][0] is Kind.EXACT


@pytest.mark.parametrize("seconds", [2, 5])
def test_another_length_is_told(clip: Path, tmp_path: Path, seconds: int) -> None:
    other = make_clip(tmp_path / "a.mp4", seconds=seconds)
    pictures, sound = compared(clip, other).strips
    kind = Kind.REMOVED if seconds < 4 else Kind.ADDED
    assert Counter(pictures.kinds)[kind] == abs(seconds - 4) * 24
    assert Counter(sound.kinds)[kind] == pytest.approx(abs(seconds - 4) * 46.875, abs=3)


def test_a_shifted_time_is_told(clip: Path, tmp_path: Path) -> None:
    def later(kind: str, number: int, packet: Any) -> list[Any]:
        if (kind, number) == ("video", 95):
            packet.pts += 40
        return [packet]

    strip = compared(clip, remuxed(clip, tmp_path / "a.mp4", later)).strips[0]
    assert strip.moved == 1
    assert set(strip.kinds) == {Kind.IDENTICAL}


def test_one_flipped_bit_is_seen_in_all_pictures_that_lean_on_it(
    clip: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(clip, tmp_path / "a.mp4"))
    with av.open(clip) as container:
        packet = [p for p in container.demux(video=0) if p.size][24]
    with copy.open("r+b") as file:
        file.seek(packet.pos + packet.size // 2)
        byte = file.read(1)[0]
        file.seek(packet.pos + packet.size // 2)
        file.write(bytes([byte ^ 16]))
    strip = compared(clip, copy).strips[0]
    assert strip.packets == (96, 96, 95)
    # One packet differs, but the pictures that lean on it are not the source's any more either.
    differing = [at for at, kind in enumerate(strip.kinds) if kind is not Kind.IDENTICAL]
    assert differing[0] >= 22
    assert len(differing) > 3
    assert differing[-1] < 48


def test_a_damaged_file_is_named(clip: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.mp4"
    half.write_bytes(clip.read_bytes()[:20000])
    for files, role in (((clip, half), "output"), ((half, clip), "source")):
        with pytest.raises(BadSource) as caught:
            compare_safely(*files, Watch())
        assert caught.value.code == "truncated"
        assert caught.value.param == role
        assert caught.value.message.startswith(f"the {role}:")


def test_a_comparison_in_a_process_of_its_own_finds_the_same(clip: Path, edited: Edit) -> None:
    inside, outside = compared(clip, edited.out), compare_safely(clip, edited.out, Watch())
    assert inside == outside


def test_a_cancel_ends_the_process(clip: Path, edited: Edit) -> None:
    def stop(_stage: Stage, _done: int, _total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        compare_safely(clip, edited.out, Watch(stop), everything=True)
