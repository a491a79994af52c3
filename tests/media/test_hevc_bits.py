"""HEVC's configuration record, parameter-set ids, slice headers and SEI, bit by bit."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.media.bitstream import hevc, sei
from retake.media.bitstream.hevc import HvcConfig, nal_type
from retake.media.bitstream.hevc_ids import Ids, escape, find_ids, level_of, renumbered, set_id
from retake.media.bitstream.hevc_look import HevcLook
from retake.media.bitstream.messages import messages
from retake.media.bitstream.nal import split_sized, unescape
from retake.media.unspliceable import Unspliceable
from tests.clips import make_clip

DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
PARAMETERS = (
    "log-level=none:scenecut=0:open-gop=1:chromaloc=2:crf=30:"
    f"hdr10=1:master-display={DISPLAY}:max-cll=1000,400"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 10 bits with leading pictures, weighted prediction and HDR10's messages."""
    return make_clip(
        tmp_path_factory.mktemp("bits") / "clip.mp4",
        codec="libx265",
        seconds=1.5,
        size=(160, 90),
        gop=12,
        bframes=4,
        audio=None,
        pix_fmt="yuv420p10le",
        codec_options={"preset": "veryfast", "x265-params": PARAMETERS},
    )


@pytest.fixture(scope="module")
def config(made: Path) -> bytes:
    with av.open(made) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def packets(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def looked(path: Path, config: bytes) -> HevcLook:
    look = HevcLook(HvcConfig.parse(config))
    for data in packets(path):
        look.is_clean(data, key=True)
    return look


def test_a_record_read_and_built_again_is_the_same(config: bytes) -> None:
    assert HvcConfig.parse(config).build() == config


def test_sets_come_behind_those_of_their_kind(config: bytes) -> None:
    record = HvcConfig.parse(config)
    sets = record.nals(*hevc.SETS)
    new = _as_new(sets)
    ids = find_ids(sets, new, level_of(sets[1]))
    more = [renumbered(nal, ids) for nal in new]
    merged = HvcConfig.parse(record.merged(more).build())
    for kind in hevc.SETS:
        assert merged.nals(kind)[0] == record.nals(kind)[0]
        assert [set_id(nal) == 0 for nal in merged.nals(kind)] == [True, False]
    assert merged.nals(hevc.PREFIX_SEI) == record.nals(hevc.PREFIX_SEI)


def _as_new(sets: list[bytes]) -> list[bytes]:
    """Return sets of another size of picture, so that they are no known ones."""
    return [sets[0], sets[1][:-1] + b"\xff", sets[2]]


def test_a_record_that_calls_a_set_what_it_is_not_is_refused(config: bytes) -> None:
    at = config.index(b"\x40\x01\x0c")
    with pytest.raises(Unspliceable, match="damaged"):
        HvcConfig.parse(config[:at] + b"\x42" + config[at + 1 :])


@given(data=st.data())
def test_a_broken_record_is_refused_or_read(config: bytes, data: st.DataObject) -> None:
    broken = bytearray(config[: data.draw(st.integers(0, len(config)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        look = HevcLook(HvcConfig.parse(bytes(broken)))
        sets = look.sets
        new = HvcConfig.parse(config).nals(*hevc.SETS)
        find_ids(sets, new, level_of(new[1]))
        assert look.sps is not None
    except Unspliceable:
        return


@given(data=st.data())
def test_broken_packets_are_refused_or_read(made: Path, config: bytes, data: st.DataObject) -> None:
    look, whole = HevcLook(HvcConfig.parse(config)), packets(made)
    broken = bytearray(data.draw(st.sampled_from(whole))[:200])
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        look.is_clean(bytes(broken), key=True)
        look.sets_at(0)
        look.light_at(0)
    except Unspliceable:
        return


@given(st.integers(1, 15), st.integers(1, 15), st.integers(15, 30))
def test_sets_and_slices_have_the_ids_that_they_are_given(
    made: Path, config: bytes, vps: int, sps: int, pps: int
) -> None:
    ids, sets = Ids(vps, sps, pps), HvcConfig.parse(config).nals(*hevc.SETS)
    named = [renumbered(nal, ids) for nal in sets]
    assert [set_id(nal) for nal in named] == [vps, sps, pps]
    for data in packets(made)[:16]:
        for nal in split_sized(data, 4):
            if nal_type(nal) not in hevc.SLICES:
                continue
            new = renumbered(nal, ids)
            # A byte more in front, and the very same data behind it.
            assert len(unescape(new)) == len(unescape(nal)) + 1
            assert unescape(new)[4:] == unescape(nal)[3:]
            assert b"\0\0\0" not in new
            assert b"\0\0\1" not in new
            assert b"\0\0\2" not in new


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 255]), max_size=40).map(bytes), st.booleans())
def test_a_slice_of_zeros_is_escaped_as_a_whole_one_would_be(tail: bytes, first: bool) -> None:
    header = bytes([1 << 1, 1, 0b1101_0000 if first else 0b0110_0000])
    nal = escape(header + tail + b"\x80")
    new = renumbered(nal, Ids(1, 1, 15))
    whole = unescape(new)
    assert whole[4:] == tail + b"\x80"
    assert escape(whole) == new


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 255]), max_size=40).map(bytes))
def test_what_is_escaped_holds_no_start_code_and_comes_back(data: bytes) -> None:
    kept = escape(data)
    assert not any(code in kept for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unescape(kept) == data or data.endswith(b"\0")


def test_the_very_same_sets_get_the_ids_that_they_have(config: bytes) -> None:
    sets = HvcConfig.parse(config).nals(*hevc.SETS)
    level = level_of(sets[1])
    known = list(sets)
    new = _as_new(sets)
    ids = find_ids(known, new, level)
    assert ids == Ids(1, 1, 15)
    known += [renumbered(nal, ids, level) for nal in new]
    assert find_ids(known, new, level) == ids
    other = [sets[0], sets[1][:-1] + b"\x7f", sets[2]]
    assert find_ids(known, other, level) == Ids(2, 2, 16)


def test_when_all_ids_are_taken_the_stream_is_refused(config: bytes) -> None:
    sets = HvcConfig.parse(config).nals(*hevc.SETS)
    level = level_of(sets[1])
    known = list(sets)
    with pytest.raises(Unspliceable, match="no parameter set id left"):
        for number in range(17):
            new = [sets[0], sets[1] + bytes([number + 1]), sets[2]]
            ids = find_ids(known, new, level)
            known += [renumbered(nal, ids, level) for nal in new]
    assert len(known) == 3 * 16


def test_the_look_finds_leading_pictures_quantisers_and_light(made: Path, config: bytes) -> None:
    look = looked(made, config)
    assert look.types[0] == hevc.IDR_N_LP
    at = look.types.index(hevc.CRA)
    assert look.types[at + 1] in hevc.RASL
    # x265 quantises at about its rate factor and 5.
    assert look.quantisers
    assert all(28 <= quantiser <= 40 for quantiser in look.quantisers)
    assert look.sps.chroma_place == 2
    assert look.unfit is None
    light = look.light_at(0)
    kinds = {kind: data for nal in light for kind, data in messages(nal, 2)}
    assert set(kinds) == {sei.MASTERING_DISPLAY, sei.CONTENT_LIGHT}
    assert kinds[sei.CONTENT_LIGHT] == bytes.fromhex("03e80190")


@pytest.mark.parametrize(
    ("nal", "why"),
    [
        (bytes([62 << 1, 1, 25, 8, 9]), "Dolby Vision"),
        (bytes([39 << 1, 1, 4, 7]) + bytes.fromhex("b5003c00010401") + b"\x80", "HDR10"),
        (bytes([1 << 1, 1 << 3 | 1, 0x80, 1]), "layers"),
    ],
)
def test_what_describes_single_pictures_is_not_spliced(
    made: Path, config: bytes, nal: bytes, why: str
) -> None:
    look = HevcLook(HvcConfig.parse(config))
    look.is_clean(len(nal).to_bytes(4, "big") + nal + packets(made)[0], key=True)
    assert look.unfit is not None
    assert why in look.unfit
