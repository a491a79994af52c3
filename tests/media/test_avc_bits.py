"""H.264 bit by bit: headers written anew, raw pictures, which references a decoder keeps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.media.bitstream.h264 import parse_pps, parse_sps
from retake.media.bitstream.nal import (
    H264_PPS,
    H264_SPS,
    AvcConfig,
    Bits,
    escape,
    split_annexb,
    unescape,
)
from retake.media.bitstream.placing import Mover, Place
from retake.media.bitstream.raw import raw_picture, raw_pps
from retake.media.bitstream.references import Coded, References
from retake.media.bitstream.slices import StreamLook
from retake.media.bitstream.writing import BitString
from retake.media.packets import index_packets
from retake.media.pictures.avc_types import in_decode_order, spread
from retake.media.proof.planes import planes_of, same_samples
from retake.media.unspliceable import Unspliceable
from tests.clips import make_clip

START = b"\0\0\0\1"


def encoder(pix_fmt: str, size: tuple[int, int], parameters: str = "") -> Any:
    made: Any = av.CodecContext.create("libx264", "w")
    made.width, made.height = size
    made.pix_fmt, made.time_base, made.framerate = pix_fmt, Fraction(1, 24), 24
    made.flags |= 1 << 22
    made.options = {"preset": "veryfast", "x264-params": f"log-level=error:{parameters}"}
    made.open()
    return made


def decoded(stream: bytes, *, hidden: bool = False) -> list[av.VideoFrame]:
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.options = {"err_detect": "explode", "apply_cropping": "0" if hidden else "1"}
    frames: list[av.VideoFrame] = []
    for packet in decoder.parse(stream) + decoder.parse(b""):
        frames += decoder.decode(packet)
    return frames + decoder.decode(None)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("unsigned"), st.integers(0, 1 << 20)),
            st.tuples(st.just("signed"), st.integers(-(1 << 20), 1 << 20)),
            st.tuples(st.just("fixed"), st.integers(0, 255)),
        )
    )
)
def test_what_is_written_is_read(numbers: list[tuple[str, int]]):
    bits = BitString()
    for kind, number in numbers:
        if kind == "fixed":
            bits.fixed(number, 8)
        else:
            getattr(bits, kind)(number)
    read = Bits(bits.ended())
    for kind, number in numbers:
        assert (read.fixed(8) if kind == "fixed" else getattr(read, kind)()) == number
    assert read.flag() and read.left < 8 and not read.fixed(read.left)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), min_size=1).map(bytes))
def test_no_start_code_is_left_within_a_unit(data: bytes):
    kept = escape(b"\x65" + data + b"\x80")
    assert not any(code in kept for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unescape(kept) == b"\x65" + data + b"\x80"


@given(st.binary(min_size=1, max_size=40), st.data())
def test_bits_are_taken_from_anywhere(data: bytes, drawn: st.DataObject):
    start = drawn.draw(st.integers(0, 8 * len(data)))
    end = drawn.draw(st.integers(start, 8 * len(data)))
    bits = BitString().fixed(1, 1).bits_of(data, start, end)
    text = "".join(f"{byte:08b}" for byte in data)[start:end]
    assert bits.count == 1 + end - start
    assert bits.aligned(1) == int(("1" + text).ljust(-(-bits.count // 8) * 8, "1"), 2).to_bytes(
        -(-bits.count // 8), "big"
    )


@pytest.mark.parametrize(
    ("pix_fmt", "size"),
    [
        ("yuv420p", (96, 64)),
        ("yuv420p", (90, 50)),
        ("yuv422p10le", (96, 64)),
        ("yuv444p", (70, 64)),
    ],
)
def test_a_raw_picture_decodes_to_its_very_samples(pix_fmt: str, size: tuple[int, int]):
    own = encoder(pix_fmt, size)
    sets = [nal for nal in split_annexb(bytes(own.extradata)) if nal[0] & 31 == H264_SPS]
    sps = parse_sps(sets[0])
    coded: Any = av.VideoFrame(16 * sps.size[0], 16 * sps.size[1], pix_fmt)
    rng, depth = np.random.default_rng(4), 10 if "10" in pix_fmt else 8
    for plane in coded.planes:
        # Zeros, so that start codes would appear, and the largest sample.
        low = rng.integers(0, 3, plane.buffer_size // (depth // 8), np.uint16)
        low[::7] = (1 << depth) - 1
        plane.update(low.astype("<u2" if depth > 8 else np.uint8).tobytes()[: plane.buffer_size])
    place = Place(0, reference=True, frame_num=0, poc_lsb=0)
    nal = raw_picture(planes_of(coded), depth, sps, 9, place)
    stream = START.join([b"", *sets, raw_pps(9, sps.id), nal])
    (shown,) = decoded(stream, hidden=True)
    assert same_samples(shown, coded)


def test_raw_planes_of_another_size_are_refused():
    own = encoder("yuv420p", (96, 64))
    sps = parse_sps(next(n for n in split_annexb(bytes(own.extradata)) if n[0] & 31 == H264_SPS))
    planes = [np.zeros((64, 64), np.uint8), *[np.zeros((32, 32), np.uint8)] * 2]
    with pytest.raises(ValueError, match="planes of"):
        raw_picture(planes, 8, sps, 9, Place(0, reference=True, frame_num=0, poc_lsb=0))


@pytest.mark.parametrize("parameters", ["cabac=1", "cabac=0", "slices=3", "bframes=0:weightp=2"])
def test_moved_pictures_decode_as_before(parameters: str):
    own = encoder("yuv420p", (96, 64), f"{parameters}:sps-id=3:b-pyramid=none")
    rng = np.random.default_rng(5)
    packets: list[bytes] = []
    for number in range(12):
        grain = rng.integers(0, 200, (96, 96), np.uint8) // 3 + 5 * number
        frame = av.VideoFrame.from_ndarray(grain.astype(np.uint8), "yuv420p")
        frame.pts = number
        packets += map(bytes, own.encode(frame))
    packets += map(bytes, own.encode(None))
    extradata = bytes(own.extradata)
    before = decoded(extradata + b"".join(packets))
    host = encoder("yuv420p", (96, 64), "keyint=900:bframes=3")
    host_sets = [n for n in split_annexb(bytes(host.extradata)) if n[0] & 31 == H264_SPS]
    sps = parse_sps(host_sets[0])
    mover = Mover(extradata, sps, 17)
    look = _look(extradata, packets)
    # Another id makes every header longer, which moves the data by bits.
    assert sps.id not in look.sps and 17 not in look.pps
    stream = [b"", *host_sets, mover.pps]
    number = 0
    for packet, picture in zip(packets, look.pictures, strict=True):
        assert picture is not None
        first = picture[0]
        place = Place(
            first.idr_pic_id if first.idr else None, first.ref_idc > 0, number, first.poc_lsb
        )
        stream += mover.moved(packet, place)
        number += first.ref_idc > 0
    after = decoded(START.join(stream))
    assert len(before) == len(after) == 12
    assert all(same_samples(a, b) for a, b in zip(before, after, strict=True))


def _look(extradata: bytes, packets: list[bytes]) -> StreamLook:
    sets = list(split_annexb(extradata))
    config = AvcConfig(
        b"\x64\0\x0a",
        4,
        tuple(n for n in sets if n[0] & 31 == H264_SPS),
        tuple(n for n in sets if n[0] & 31 == H264_PPS),
        b"",
    )
    look = StreamLook(config)
    for packet in packets:
        units = split_annexb(packet)
        look.is_clean(b"".join(len(u).to_bytes(4, "big") + u for u in units), key=True)
    return look


def test_the_parameter_set_of_raw_pictures_is_the_plainest():
    pps = parse_pps(raw_pps(200, 3))
    assert (pps.id, pps.sps_id, pps.references) == (200, 3, (1, 1))
    assert not (pps.cabac or pps.bottom_poc or pps.weighted or pps.weighted_b or pps.redundant)
    assert pps.deblocking


@pytest.mark.parametrize("parameters", ["ref=4:bframes=3:b-pyramid=normal", "bframes=0:ref=2"])
def test_references_are_followed_as_decoders_do(parameters: str, tmp_path: Path):
    options = {"x264-params": f"scenecut=0:weightp=2:log-level=error:{parameters}"}
    path = make_clip(tmp_path / "a.mp4", seconds=3, gop=40, audio=None, codec_options=options)
    with av.open(path) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
    look = StreamLook(AvcConfig.parse(extradata))
    packets = index_packets(path, 0, look.is_clean)
    memory = References(next(iter(look.sps.values())))
    orders: list[tuple[int, int, int]] = []
    shown = 0
    for number, picture in enumerate(look.pictures):
        assert picture is not None
        shown += picture[0].idr
        order, lists = memory.enter(Coded.of(number, picture))
        orders.append((shown, order, packets[number].pts))
        for pair, header in zip(lists, picture, strict=True):
            # An encoder announces no more entries than there are references.
            assert [len(one) for one in pair] == list(header.active)
            assert all(name < number for one in pair for name in one)
        assert len(memory.numbers) <= max(next(iter(look.sps.values())).references, 1)
    # Order counts put the pictures of each sequence in the order in which they are shown.
    assert [pts for _, _, pts in sorted(orders)] == sorted(pts for _, _, pts in orders)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.data())
def test_as_many_references_as_were_asked_for_the_outer_ones_among_them(
    drawn: list[bool], data: st.DataObject
):
    drawn[0] = drawn[-1] = True
    count = data.draw(st.integers(min(2, len(drawn)), len(drawn)))
    try:
        kinds = spread(drawn, count, longest=16)
    except Unspliceable:
        assert len(drawn) > 17
        return
    assert sum(kinds) == count and kinds[0] and kinds[-1]
    if sum(drawn) == count:
        assert list(kinds) == drawn


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_pictures_that_none_refers_to_are_coded_behind_the_next_reference(kinds: list[bool]):
    shown = list(enumerate([*kinds, True]))
    order = in_decode_order(shown)
    assert sorted(order) == shown
    seen: set[int] = set()
    for place, reference in order:
        if not reference:
            assert any(later > place for later in seen)
        seen.add(place)
    assert [place for place, reference in order if reference] == [
        place for place, reference in shown if reference
    ]
