"""AV1 spliced: exact where lossless pads are affordable, hardly different elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.report import Action
from retake.core.request import Limits
from retake.media.bitstream.obu import (
    SEQUENCE_HEADER,
    TEMPORAL_DELIMITER,
    parse_sequence,
    sequence_of,
    split_obus,
)
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.pictures.av1 import Av1Look
from retake.media.pictures.recipes import av1
from retake.media.probe import probe
from retake.media.unspliceable import Unspliceable
from tests.clips import make_clip
from tests.media.compare import (
    assert_packets_kept,
    assert_pictures_right,
    assert_spliced_exactly,
    assert_times_kept,
)
from tests.media.loose import splice_loose
from tests.media.takes import edit

SECTIONS = [(0, 5), (12, 20), (30, 0)]
"""At the start, in the middle, to the end."""


SHOW_FRAME = 1 << 4


def packets(path: Path) -> list[bytes]:
    with open_source(path) as container:
        return [bytes(packet) for packet in packets_of(container, 0)]


def looked_at(path: Path) -> tuple[Av1Look, list[bool]]:
    look = Av1Look(b"")
    with open_source(path) as container:
        # Whatever the container calls a keyframe.
        clean = [look.is_clean(bytes(packet), key=True) for packet in packets_of(container, 0)]
    return look, clean


def clip_of(path: Path, *, parameters: str = "", **options: object) -> Path:
    """Write 36 frames of AV1, a key frame every 12."""
    return make_clip(
        path,
        codec="libsvtav1",
        seconds=1.5,
        gop=12,
        bframes=0,
        codec_options={"svtav1-params": parameters} if parameters else None,
        **options,  # pyright: ignore[reportArgumentType]
    )


@pytest.fixture(scope="session")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8-bit AV1 in MP4 with BT.709 tags and AAC."""
    return clip_of(tmp_path_factory.mktemp("av1") / "eight.mp4", matrix=1)


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10-bit AV1 in MP4."""
    return clip_of(tmp_path_factory.mktemp("av1") / "ten.mp4", pix_fmt="yuv420p10le")


@pytest.fixture(scope="session")
def forward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AV1 whose key frames after the first are decoded before they are shown."""
    path = tmp_path_factory.mktemp("av1") / "forward.webm"
    return clip_of(path, parameters="irefresh-type=1:enable-fwd-kf=1", audio=None)


@pytest.mark.parametrize(("first", "last"), SECTIONS)
def test_8_bit_av1_stays_exact_outside_the_section(
    eight: Path, tmp_path: Path, first: int, last: int
) -> None:
    done = edit(eight, tmp_path, first, last)
    assert_spliced_exactly(done)


@pytest.mark.parametrize(("first", "last"), [(2, 7), (30, 0)])
def test_10_bit_av1_keeps_its_packets_and_looks_the_same_around_the_section(
    ten: Path, tmp_path: Path, first: int, last: int
) -> None:
    done = edit(ten, tmp_path, first, last)
    assert done.rendered.video.action is Action.SMART
    assert done.rendered.video.packets_copied == (26 if first == 2 else 30)
    assert not done.rendered.exact_pads
    assert_times_kept(done, 0)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_pictures_right(done, least_db=49)


def test_a_key_frame_that_is_shown_later_is_no_place_to_go_on_at(
    forward: Path, tmp_path: Path
) -> None:
    _, clean = looked_at(forward)
    assert [n for n, flag in enumerate(clean) if flag] == [0]
    done = splice_loose(forward, tmp_path, 4, 9)
    done.assert_right()
    assert done.spliced.plan.cut == 4
    assert done.spliced.plan.resume == 36


def test_decoding_starts_at_key_frames_behind_a_sequence_header(eight: Path) -> None:
    look, clean = looked_at(eight)
    assert [n for n, flag in enumerate(clean) if flag] == [0, 12, 24]
    units = list(split_obus(packets(eight)[12]))
    headless = b"".join(obu.raw for obu in units if obu.kind != SEQUENCE_HEADER)
    assert not look.is_clean(headless, key=True)
    assert not look.is_clean(packets(eight)[12], key=False)
    hidden = bytearray(packets(eight)[12])
    # The frame is the last unit, its header's fourth bit says whether it is shown.
    hidden[-len(units[-1].payload)] &= ~SHOW_FRAME
    assert not look.is_clean(bytes(hidden), key=True)
    assert look.is_clean(packets(eight)[12], key=True)


def test_new_sequence_headers_say_what_the_containers_record_says(
    eight: Path, tmp_path: Path
) -> None:
    done = edit(eight, tmp_path, 14, 20)
    units = [list(split_obus(data)) for data in packets(done.out)]
    headers = [sequence_of(each) for each in units]
    assert [n for n, header in enumerate(headers) if header] == [0, 12, 14, 20, 24]
    said = {(h.profile, h.level, h.tier, h.size, h.colour) for h in headers if h}
    assert len(said) == 1
    assert not any(obu.kind == TEMPORAL_DELIMITER for each in units for obu in each)


def test_levels_that_no_encoder_knows_are_left_to_it(eight: Path) -> None:
    video = probe(eight, Limits()).video
    said = [str(av1.section(video, crf=20, level=level).options) for level in (9, 3, 28, 31)]
    assert ["level=41" in options for options in said] == [True, False, False, False]
    assert not any("level=" in options.replace("levels=", "") for options in said[1:])


def test_pads_are_lossless_as_long_as_that_is_not_slower_than_encoding_everything(
    eight: Path,
) -> None:
    video = replace(probe(eight, Limits()).video, width=1920, height=1080)
    assert av1.affords_lossless(video, 36, 5)
    assert not av1.affords_lossless(video, 37, 5)
    longer = replace(video, pts=tuple(range(600)))
    assert av1.affords_lossless(longer, 45, 60)
    assert not av1.affords_lossless(longer, 45, 61)
    assert not av1.affords_lossless(replace(video, bit_depth=10), 1, 1)


def test_frame_headers_tell_the_quantiser(tmp_path: Path) -> None:
    for crf, tiles in ((20, ""), (45, "tile-columns=1:tile-rows=1")):
        path = make_clip(
            tmp_path / f"{crf}.webm",
            codec="libsvtav1",
            seconds=1,
            size=(256, 256),
            audio=None,
            bframes=0,
            codec_options={"crf": str(crf), "svtav1-params": tiles},
        )
        look, _ = looked_at(path)
        # The pictures that nothing leans on have the quantiser that the CRF stands for.
        assert max(look.quantisers) == 4 * crf
        assert av1.quality(look.quantisers) <= crf


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "gray", "yuv420p12le"])
def test_what_cannot_be_encoded_is_refused_by_name(
    eight: Path, tmp_path: Path, pix_fmt: str
) -> None:
    with pytest.raises(Unspliceable, match=f"no encoder for AV1 pictures of {pix_fmt}"):
        splice_loose(eight, tmp_path, 5, 9, pix_fmt=pix_fmt)


@given(st.data())
def test_damaged_av1_is_read_or_refused(eight: Path, data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(packets(eight)[:14])))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, 60)) % len(whole)] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    Av1Look(b"").is_clean(damaged, key=True)
    try:
        for obu in split_obus(damaged):
            if obu.kind == SEQUENCE_HEADER:
                parse_sequence(obu.payload)
    except Unspliceable:
        return
