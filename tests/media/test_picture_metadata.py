"""Dolby Vision, HDR10+, second layers: what describes single pictures is not left beside others.

Such a film is encoded anew as a whole without it, and the report says why.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from retake.core.report import Action
from retake.core.request import Mode
from retake.media.bitstream.messages import REGISTERED, with_messages
from tests.clips import make_clip
from tests.media.compare import assert_pictures_right, assert_verified
from tests.media.rewriting import rewritten
from tests.media.takes import Edit, edit

# Dolby Vision profile 8.1, level 1 (dv_version 1.0; RPU and base layer): 24 bytes, mostly 0.
DOLBY = bytes.fromhex("01001009") + bytes([0x10]) + bytes(19)
LAYER = bytes.fromhex("01f000fccb01 27 0001 0003 4e0180")
HDR10_PLUS = bytes.fromhex("b5003c00010401") + bytes(40)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of 10-bit HEVC."""
    path = tmp_path_factory.mktemp("hdr") / "plain.mp4"
    return make_clip(path, codec="libx265", pix_fmt="yuv420p10le", seconds=1, gop=12)


def with_box(src: Path, dst: Path, kind: bytes, payload: bytes, tag: bytes) -> Path:
    """Copy an MP4 whose moov comes last, with one more box in its HEVC sample entry."""
    data = bytearray(src.read_bytes())
    entry = data.index(b"hev1") - 4
    data[entry + 4 : entry + 8] = tag
    size = struct.unpack_from(">I", data, entry)[0]
    box = struct.pack(">I4s", 8 + len(payload), kind) + payload
    places = [entry]
    for around in (b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        places.append(data.rindex(around, 0, places[-1]) - 4)
    for place in places:
        grown = struct.unpack_from(">I", data, place)[0] + len(box)
        struct.pack_into(">I", data, place, grown)
    data[entry + size : entry + size] = box
    dst.write_bytes(data)
    return dst


def with_hdr10_plus(src: Path, dst: Path) -> Path:
    """Copy a film, each of whose packets then says how bright its picture is meant."""

    def bright(packet: Any) -> bytes:
        return with_messages("hevc", bytes(packet), REGISTERED, [HDR10_PLUS], 4)

    return rewritten(src, dst, bright)


def assert_anew(done: Edit, why: str) -> None:
    report = done.rendered.video
    assert report.action is Action.REENCODED
    assert report.reason is not None
    assert why in report.reason
    assert_verified(done)
    assert_pictures_right(done)


@pytest.mark.parametrize(
    ("box", "payload", "tag", "why"),
    [
        (b"dvcC", DOLBY, b"hvc1", "Dolby Vision's"),
        (b"dvvC", DOLBY, b"dvh1", "Dolby Vision's"),
        (b"free", b"", b"dvh1", "Dolby Vision's"),
        (b"lhvC", LAYER, b"hvc1", "a second layer's"),
    ],
)
def test_a_box_that_promises_more_than_pictures_goes_with_them(
    plain: Path, tmp_path: Path, box: bytes, payload: bytes, tag: bytes, why: str
) -> None:
    src = with_box(plain, tmp_path / "a.mp4", box, payload, tag)
    done = edit(src, tmp_path, 5, 9)
    assert_anew(done, why)
    written = done.out.read_bytes()
    assert box == b"free" or box not in written
    assert b"dvh1" not in written


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_hdr10_plus_goes_with_its_pictures(plain: Path, tmp_path: Path, ending: str) -> None:
    src = with_hdr10_plus(plain, tmp_path / f"a{ending}")
    done = edit(src, tmp_path, 5, 9)
    assert_anew(done, "HDR10+")
    assert HDR10_PLUS[:6] not in done.out.read_bytes()


def test_sound_alone_leaves_them_as_they_are(plain: Path, tmp_path: Path) -> None:
    src = with_box(plain, tmp_path / "a.mp4", b"dvcC", DOLBY, b"hvc1")
    done = edit(src, tmp_path, 5, 9, Mode.AUDIO)
    assert done.rendered.video.action is Action.COPIED
    assert b"dvcC" + DOLBY in done.out.read_bytes()
