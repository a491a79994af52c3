"""VP9 and VP8 spliced: exact around the section; what their headers say and can be made to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retake.core.report import Action
from retake.media.bitstream.vp8 import parse_vp8
from retake.media.bitstream.vp9 import (
    Vp9Colour,
    parse_vp9,
    split_superframe,
    with_colour,
)
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.pictures.recipes import vpx
from retake.media.unspliceable import Unspliceable
from tests.clips import make_clip
from tests.media.compare import assert_spliced_exactly
from tests.media.loose import splice_loose
from tests.media.rewriting import rewritten
from tests.media.takes import edit

SECTIONS = [(0, 5, 24), (12, 20, 24), (30, 0, 30), (0, 0, 0)]
"""At the start, in the middle, to the end, everything; how many packets are copied."""

QUICK = {"crf": "30", "b": "0"}
SHOW_FRAME = 1 << 1
"""The bit of a key frame's first byte that says whether it is shown."""
SHOW_FIRST = b"\x88"
"""A frame that only shows what a decoder keeps in the first place for references."""


def packets(path: Path) -> list[bytes]:
    with open_source(path) as container:
        return [bytes(packet) for packet in packets_of(container, 0)]


@pytest.fixture(scope="session")
def vp9(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 frames of VP9 in MP4, a key frame every 12, BT.709 tags."""
    path = tmp_path_factory.mktemp("vpx") / "vp9.mp4"
    return make_clip(
        path, codec="libvpx-vp9", seconds=1.5, gop=12, bframes=0, matrix=1, codec_options=QUICK
    )


def superframe(*frames: bytes) -> bytes:
    """Return one packet of several frames."""
    marker = bytes([0b11011000 | (len(frames) - 1)])
    sizes = b"".join(len(frame).to_bytes(4, "little") for frame in frames)
    return b"".join(frames) + marker + sizes + marker


def key_frames_changed(src: Path, dst: Path, change: Callable[[bytes], bytes]) -> Path:
    """Copy a clip, its key frames changed on the way."""

    def changed(packet: Any) -> bytes:
        return change(bytes(packet)) if packet.is_keyframe else bytes(packet)

    return rewritten(src, dst, changed, sound=False)


def short(path: Path, codec: str, **options: Any) -> Path:
    """Write a silent second, a key frame every 12 frames."""
    return make_clip(path, codec=codec, seconds=1, gop=12, bframes=0, audio=None, **options)


@pytest.fixture(scope="session")
def hiding(vp9: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures in WebM, every key frame hidden in its packet and shown by another one."""

    def hide(data: bytes) -> bytes:
        return superframe(bytes([data[0] & ~SHOW_FRAME]) + data[1:], SHOW_FIRST)

    return key_frames_changed(vp9, tmp_path_factory.mktemp("vpx") / "hiding.webm", hide)


@pytest.mark.parametrize(("first", "last", "copied"), SECTIONS)
def test_vp9_in_mp4_stays_exact_outside_the_section(
    vp9: Path, tmp_path: Path, first: int, last: int, copied: int
) -> None:
    done = edit(vp9, tmp_path, first, last)
    assert done.rendered.video.packets_copied == copied
    assert_spliced_exactly(done)


@pytest.mark.parametrize(("first", "last"), [(3, 8), (14, 15), (30, 0)])
def test_packets_with_frames_that_are_not_shown_are_copied_and_replaced(
    hiding: Path, tmp_path: Path, first: int, last: int
) -> None:
    shown = [[parse_vp9(frame).shown for frame in split_superframe(p)] for p in packets(hiding)]
    assert sorted({tuple(each) for each in shown}) == [(False, True), (True,)]
    done = splice_loose(hiding, tmp_path, first, last)
    done.assert_right()
    assert done.spliced.plan.cut == first
    assert done.spliced.exact_pads


def test_vp9_without_chroma_subsampling_keeps_its_profile(tmp_path: Path) -> None:
    form = {"pix_fmt": "yuv444p", "full_range": True}
    src = short(tmp_path / "444.mkv", "libvpx-vp9", codec_options=QUICK, **form)
    done = splice_loose(src, tmp_path, 2, 7)
    done.assert_right()
    colours = {parse_vp9(data).colour for data in done.after} - {None}
    assert colours == {Vp9Colour(1, 0, full_range=True)}


def test_vp8_looks_the_same_around_the_section(tmp_path: Path) -> None:
    options = {"deadline": "realtime", "cpu-used": "8", "b": "1M"}
    src = short(tmp_path / "vp8.webm", "libvpx", codec_options=options)
    done = splice_loose(src, tmp_path, 3, 7)
    done.assert_right(least_db=49)
    assert done.spliced.plan.resume == 12
    assert not done.spliced.exact_pads


def test_the_same_take_gives_the_same_bytes(vp9: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    one = edit(vp9, tmp_path, 5, 15)
    other = edit(vp9, tmp_path / "again", 5, 15)
    assert one.out.read_bytes() == other.out.read_bytes()


def test_what_cannot_be_encoded_is_refused_by_name(vp9: Path, tmp_path: Path) -> None:
    with pytest.raises(Unspliceable, match="no encoder for vp9 pictures of yuv420p10le"):
        splice_loose(vp9, tmp_path, 5, 9, pix_fmt="yuv420p10le", bit_depth=10)


def test_headers_tell_the_quantiser(tmp_path: Path) -> None:
    for crf in (10, 40):
        path = tmp_path / f"{crf}.webm"
        options = {"crf": str(crf), "b": "0"}
        make_clip(path, codec="libvpx-vp9", seconds=1, audio=None, bframes=0, codec_options=options)
        quantisers = [parse_vp9(split_superframe(data)[-1]).quantiser for data in packets(path)]
        # One step of the encoder's scale is four of the bitstream's; some frames get finer ones.
        assert max(filter(None, quantisers)) == 4 * crf
        assert abs(vpx.quality("vp9", list(filter(None, quantisers))) - crf) <= 12


def test_a_full_re_encode_is_as_fine_as_the_source(tmp_path: Path) -> None:
    finest: list[int] = []
    for crf in (12, 34):
        options = {"crf": str(crf), "b": "0"}
        (tmp_path / str(crf)).mkdir()
        src = make_clip(
            tmp_path / f"{crf}.mp4",
            codec="libvpx-vp9",
            seconds=0.5,
            bframes=0,
            audio=None,
            codec_options=options,
        )
        done = edit(src, tmp_path / str(crf), 3, 6, force_full=True)
        assert done.rendered.video.action is Action.REENCODED
        finest.append(max(parse_vp9(data).quantiser or 0 for data in packets(done.out)))
        assert 4 * crf * 0.3 <= finest[-1] <= 4 * crf
    assert finest[0] < finest[1]


def test_colours_of_a_key_frame_can_be_told_anew(vp9: Path) -> None:
    key = packets(vp9)[0]
    told = Vp9Colour(0, 5, full_range=True)
    changed = with_colour(key, told)
    assert parse_vp9(key).colour == Vp9Colour(0, 2, full_range=False)
    assert parse_vp9(changed).colour == told
    assert with_colour(changed, Vp9Colour(0, 2, full_range=False)) == key
    with pytest.raises(Unspliceable):
        with_colour(key, Vp9Colour(1, 2, full_range=False))


def test_new_key_frames_tell_the_colours_that_the_old_ones_tell(vp9: Path, tmp_path: Path) -> None:
    told = Vp9Colour(0, 5, full_range=False)
    src = key_frames_changed(vp9, tmp_path / "told.mp4", lambda data: with_colour(data, told))
    done = splice_loose(src, tmp_path, 14, 20)
    done.assert_right()
    assert {parse_vp9(data).colour for data in done.after} == {told, None}


@given(st.data())
def test_damaged_vp9_is_read_or_refused(vp9: Path, hiding: Path, data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(packets(vp9)[:14] + packets(hiding)[:14])))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(-8, 30)) % len(whole)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        for frame in split_superframe(bytes(whole[:cut])):
            parse_vp9(frame)
    except Unspliceable:
        return


@given(st.binary(max_size=40))
@example(b"\x10\x00\x00\x9d\x01\x2a\x10\x00\x10\x00")
def test_damaged_vp8_is_read_or_refused(data: bytes) -> None:
    try:
        frame = parse_vp8(data)
    except Unspliceable:
        return
    assert 0 <= frame.quantiser < 128
