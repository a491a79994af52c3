"""Splicing HEVC: every frame outside the section stays what it was, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from retake.core.report import Action
from retake.core.request import Limits, Mode
from retake.core.watch import Watch
from retake.media.bitstream import hevc, sei
from retake.media.bitstream.hevc import HvcConfig, nal_type
from retake.media.bitstream.nal import split_sized
from retake.media.pictures.light import light_in
from retake.media.probe import probe
from retake.media.proof.verify import verify
from retake.media.render import render
from retake.media.take import TakeFiles, TakeWriter
from tests.clips import make_clip
from tests.media.compare import (
    assert_packets_kept,
    assert_pictures_right,
    assert_times_kept,
    pictures,
    psnr,
)
from tests.media.takes import Edit, edit, section_of

LIGHT = (
    "hdr10=1:max-cll=1000,400:master-display="
    "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


def bt2020(video: Any, _track: Any) -> None:
    context = video.codec_context
    context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9


KINDS: dict[str, dict[str, Any]] = {
    "8 bits": {"x265": "open-gop=0"},
    "HDR10": {"x265": f"open-gop=0:{LIGHT}", "pix_fmt": "yuv420p10le", "prepare": bt2020},
    "4:2:2 of 10 bits": {"x265": "open-gop=0", "pix_fmt": "yuv422p10le"},
    "open GOP": {"x265": f"open-gop=1:{LIGHT}", "pix_fmt": "yuv420p10le", "bframes": 4},
    "open GOP without B-frames": {"x265": "open-gop=1", "bframes": 0},
    "one keyframe": {"x265": "open-gop=0", "gop": 999},
    "sets at every keyframe": {"x265": "open-gop=1:repeat-headers=1:aud=1", "bframes": 3},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what makes a clip of two seconds of a kind, once: hev1, as FFmpeg calls it."""
    folder, done = tmp_path_factory.mktemp("hevc"), dict[str, Path]()

    def make(kind: str) -> Path:
        if kind not in done:
            options: dict[str, Any] = {"gop": 16, **KINDS[kind]}
            parameters = f"log-level=none:scenecut=0:{options.pop('x265')}"
            done[kind] = make_clip(
                folder / f"{len(done)}.mp4",
                codec="libx265",
                seconds=2,
                size=(160, 90),
                audio=None,
                codec_options={"preset": "ultrafast", "x265-params": parameters},
                **options,
            )
        return done[kind]

    return make


def assert_exact(done: Edit) -> None:
    """Check everything that is promised of a spliced stream."""
    video = done.rendered.video
    assert video.action is Action.SMART, video.reason
    assert video.frames_reencoded == 0
    assert_times_kept(done, 0)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_pictures_right(done, least_db=99)
    checks = verify(done.src, done.out, done.source, done.section, Mode.VIDEO, done.rendered)
    assert [check for check in checks if not check.passed] == []


def record_of(path: Path) -> HvcConfig:
    with av.open(path) as container:
        return HvcConfig.parse(bytes(container.streams.video[0].codec_context.extradata or b""))


def units(path: Path) -> list[list[bytes]]:
    """Return the NAL units of every packet."""
    with av.open(path) as container:
        return [list(split_sized(bytes(p), 4)) for p in container.demux(video=0) if p.size]


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_outside_is_exact(made: Any, tmp_path: Path, kind: str) -> None:
    assert_exact(edit(made(kind), tmp_path, 13, 21, Mode.VIDEO))


@pytest.mark.parametrize(("first", "last"), [(0, 5), (-6, 0), (1, -1), (20, 21), (0, 0)])
def test_wherever_the_section_is(made: Any, tmp_path: Path, first: int, last: int) -> None:
    assert_exact(edit(made("open GOP"), tmp_path, first, last, Mode.VIDEO))


def test_a_file_that_was_spliced_is_spliced_again(made: Any, tmp_path: Path) -> None:
    first = edit(made("open GOP"), tmp_path, 4, 9, Mode.VIDEO, name="first.mp4")
    second = edit(first.out, tmp_path, 21, 27, Mode.VIDEO, name="second.mp4")
    third = edit(second.out, tmp_path, 6, 23, Mode.VIDEO, name="third.mp4")
    for done in (first, second, third):
        assert_exact(done)
    # Two kinds of runs, two ids more, however often.
    held = [len(record_of(done.out).nals(hevc.PPS)) for done in (first, second, third)]
    assert held == [3, 3, 3]


@pytest.mark.parametrize("tag", ["hvc1", "hev1"])
def test_the_sample_entry_keeps_its_kind(made: Any, tmp_path: Path, tag: str) -> None:
    src = tmp_path / "tagged.mov"
    plain: Path = made("8 bits")
    with av.open(plain) as source, av.open(src, "w") as out:
        copy = out.add_stream_from_template(source.streams.video[0], opaque=True)
        copy.codec_context.codec_tag = tag
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    done = edit(src, tmp_path, 13, 21, Mode.VIDEO)
    assert_exact(done)
    with av.open(done.out) as container:
        assert container.streams.video[0].codec_context.codec_tag == tag


@pytest.mark.parametrize(("kind", "light"), [("open GOP", 2), ("open GOP without B-frames", 0)])
def test_every_switch_says_which_sets_and_which_light_hold(
    made: Any, tmp_path: Path, kind: str, light: int
) -> None:
    done = edit(made(kind), tmp_path, 13, 21, Mode.VIDEO)
    assert done.rendered.touched is not None
    first, last = done.rendered.touched
    found = units(done.out)
    keys = [at for at in range(first, last) if nal_type(found[at][-1]) in hevc.IRAP]
    assert keys[0] == first
    assert keys[-1] == last - 1
    for at in keys:
        kinds = [nal_type(nal) for nal in found[at]]
        assert kinds[:3] == list(hevc.SETS)
        assert len(sei.only(found[at], {sei.MASTERING_DISPLAY, sei.CONTENT_LIGHT})) == light
    # The picture at which the source goes on lost those that led it.
    assert nal_type(found[last - 1][-1]) == hevc.BLA
    assert not any(nal_type(nals[-1]) in hevc.LEADING for nals in found[first:last])
    # Only slices, and what belongs to keyframes: nothing of the encoder's own.
    for at in range(first, last - 1):
        kinds = {nal_type(nal) for nal in found[at]}
        front = {*hevc.SETS, hevc.PREFIX_SEI} if at in keys else set[int]()
        assert kinds <= {*hevc.SLICES, *front}


def test_the_same_edit_gives_the_same_bytes(made: Any, tmp_path: Path) -> None:
    outs = {
        edit(made("HDR10"), tmp_path, 13, 21, Mode.VIDEO, name=f"{n}.mp4").out.read_bytes()
        for n in range(4)
    }
    assert len(outs) == 1


def test_a_section_of_the_sources_own_pictures_is_hardly_coarser(made: Any, tmp_path: Path) -> None:
    src: Path = made("8 bits")
    source = probe(src, Limits())
    section = section_of(source, 13, 21)
    take = TakeFiles(tmp_path / "take.nut", None)
    assert take.video is not None
    with av.open(src) as container, TakeWriter(take.video, source.video) as writer:
        for number, frame in enumerate(container.decode(video=0)):
            if number in section.frames:
                rgb: Any = frame.to_ndarray(format="rgb24")
                writer.write(rgb)
    out = tmp_path / "out.mp4"
    render(src, out, source, section, Mode.VIDEO, take, Watch())
    pairs = list(zip(pictures(src), pictures(out), strict=True))[13:21]
    assert min(psnr(a.luma, b.luma) for a, b in pairs) > 40
    sizes = [[len(b"".join(nals)) for nals in units(path)[13:21]] for path in (src, out)]
    assert sum(sizes[1]) < 3 * sum(sizes[0])


def test_a_full_reencode_says_the_same_of_light(made: Any, tmp_path: Path) -> None:
    done = edit(made("HDR10"), tmp_path, 13, 21, Mode.VIDEO, force_full=True)
    assert done.rendered.video.action is Action.REENCODED
    assert light_in(done.src, 0).levels == (1000, 400)
    assert light_in(done.out, 0) == light_in(done.src, 0)
    assert len(pictures(done.out, strict=True)) == len(pictures(done.src))
