"""H.264's headers, read and written against what x264 and FFmpeg say of the same streams."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.media.bitstream.h264 import parse_pps, parse_sps
from retake.media.bitstream.nal import AvcConfig, Bits, join_sized, split_annexb, split_sized
from retake.media.bitstream.slices import StreamLook
from retake.media.unspliceable import Unspliceable
from tests.clips import picture

nals = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5)


def x264(parameters: str, pix_fmt: str = "yuv420p", **options: str) -> Any:
    """Return an open encoder of 64x64 pictures."""
    coder: Any = av.CodecContext.create("libx264", "w")
    coder.width, coder.height, coder.pix_fmt = 64, 64, pix_fmt
    coder.time_base = Fraction(1, 25)
    coder.flags |= 1 << 22
    coder.thread_count = 1
    coder.options = {"x264-params": f"log-level=none:{parameters}", **options}
    coder.open()
    return coder


def packets(coder: Any, count: int = 12) -> Iterator[bytes]:
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(picture(number, 64, 64), "rgb24")
        frame = frame.reformat(format=coder.pix_fmt)
        frame.pts = number
        yield from map(bytes, coder.encode(frame))
    yield from map(bytes, coder.encode(None))


def config_of(coder: Any) -> AvcConfig:
    sets = list(split_annexb(coder.extradata))
    sps = tuple(nal for nal in sets if nal[0] & 31 == 7)
    pps = tuple(nal for nal in sets if nal[0] & 31 == 8)
    return AvcConfig(sps[0][1:4], 4, sps, pps, b"")


@given(nals, st.sampled_from([2, 4]))
def test_sized_units_come_back_as_they_were(units: list[bytes], size: int) -> None:
    assert list(split_sized(join_sized(units, size), size)) == units


@given(nals)
def test_a_sample_that_is_cut_short_is_refused(units: list[bytes]) -> None:
    with pytest.raises(Unspliceable):
        list(split_sized(join_sized(units, 4)[:-1], 4))


@given(st.lists(st.integers(0, 70000), min_size=1, max_size=9))
def test_exp_golomb_numbers_are_read_as_they_are_written(numbers: list[int]) -> None:
    bits = "".join(f"{n + 1:b}".zfill(2 * (n + 1).bit_length() - 1) for n in numbers)
    data = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    reader = Bits(data)
    assert [reader.unsigned() for _ in numbers] == numbers


@given(nals, nals)
def test_a_configuration_comes_back_with_the_merged_sets(old: list[bytes], new: list[bytes]):
    config = AvcConfig(b"\x64\x00\x1f", 4, tuple(old), tuple(old), b"\xfd\xf8\xf8\x00")
    merged = AvcConfig.parse(config.merged(new, new).build())
    assert merged == AvcConfig(config.header, 4, (*old, *new), (*old, *new), config.tail)


@given(st.binary(max_size=40))
def test_rubbish_is_no_configuration(data: bytes) -> None:
    try:
        AvcConfig.parse(data)
    except Unspliceable:
        return
    assert data[0] == 1


@pytest.mark.parametrize("number", [0, 1, 7, 31])
def test_ids_are_those_that_x264_was_told(number: int) -> None:
    config = config_of(x264(f"sps-id={number}"))
    assert parse_sps(config.sps[0]).id == number
    pps = parse_pps(config.pps[0])
    assert (pps.id, pps.sps_id) == (number, number)


@pytest.mark.parametrize("references", [1, 3, 5])
def test_references_and_level_are_those_that_x264_was_told(references: int) -> None:
    coder = x264(f"ref=1:dpb-size={references}:bframes=0", level="3.1")
    sps = parse_sps(config_of(coder).sps[0])
    assert (sps.references, sps.level_idc, sps.frames_only) == (references, 31, True)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "gray"])
@pytest.mark.parametrize("more", ["cabac=0:weightp=2", "weightp=2:ref=4:bframes=3", "slices=2"])
def test_the_quantiser_is_that_of_the_slices(pix_fmt: str, more: str) -> None:
    coder = x264(f"qp=23:ipratio=1.0:{more}", pix_fmt)
    look = StreamLook(config_of(coder))
    found = list(packets(coder))
    clean = [look.is_clean(join_sized(split_annexb(data), 4), key=True) for data in found]
    assert clean[0]
    assert not any(clean[1:])
    # x264 counts a constant quantiser from the bottom of the depth's range, the standard from 0.
    assert set(look.quantisers) == {11 if "10" in pix_fmt else 23}
    assert look.used == {0}


def test_a_recovery_point_is_not_clean() -> None:
    coder = x264("open-gop=1:keyint=4:min-keyint=4:scenecut=0:bframes=2")
    look = StreamLook(config_of(coder))
    found = list(packets(coder, 16))
    clean = [look.is_clean(join_sized(split_annexb(data), 4), key=True) for data in found]
    assert sum(clean) == 1
