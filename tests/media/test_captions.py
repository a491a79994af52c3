"""Closed captions belong to their moments: pictures that are encoded again go on saying them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from retake.core.conversion import Conversion
from retake.core.report import Action
from retake.media.bitstream.messages import (
    REGISTERED,
    message_unit,
    messages,
    with_captions,
    with_messages,
)
from tests.clips import make_clip
from tests.media.compare import assert_packets_kept, assert_pictures_right, assert_verified
from tests.media.rewriting import rewritten
from tests.media.takes import Edit, edit

KINDS = {"libx264": "h264", "libx265": "hevc", "mpeg2video": "mpeg2video"}


def said_at(number: int) -> bytes:
    """Two characters of CEA-608 for a picture, as ATSC A/53 writes them: cc_data in triplets."""
    return bytes([0xFC, 0x20 + number % 90, 0x80])


def message(number: int) -> bytes:
    return b"\xb5\x00\x31GA94\x03" + bytes([0x41, 0xFF]) + said_at(number) + b"\xff"


def captioned(path: Path, codec: str, **options: Any) -> Path:
    """Write a clip of 48 pictures, each of which says something of its own."""
    plain = make_clip(
        path.with_name(f"plain{path.suffix}"), codec=codec, seconds=2, **{"gop": 24, **options}
    )
    fps, kind = options.get("fps", 24), KINDS[codec]
    with av.open(plain) as container:
        first = container.streams.video[0]
        begins = Fraction(first.start_time) * first.time_base

    def saying(packet: Any) -> bytes:
        number = round((packet.pts * packet.time_base - begins) * fps)
        if path.suffix == ".ts":
            return with_captions(kind, bytes(packet), said_at(number))
        return with_messages(kind, bytes(packet), REGISTERED, [message(number)], 4)

    return rewritten(plain, path, saying)


def heard(path: Path) -> list[bytes | None]:
    """Return what FFmpeg's decoder finds with each picture, in display order."""
    with av.open(path) as container:
        return [
            next((bytes(d) for d in frame.side_data if d.type.name == "A53_CC"), None)
            for frame in container.decode(video=0)
        ]


def assert_said(done: Edit) -> None:
    assert heard(done.src) == heard(done.out) == [said_at(number) for number in range(48)]
    assert_verified(done)


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_spliced_pictures_go_on_saying_what_was_said(
    codec: str, ending: str, tmp_path: Path
) -> None:
    done = edit(captioned(tmp_path / f"a{ending}", codec), tmp_path, 14, 20)
    assert done.rendered.video.action is Action.SMART
    assert_said(done)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_pictures_right(done)


def test_exact_tails_go_on_saying_what_was_said(tmp_path: Path) -> None:
    done = edit(captioned(tmp_path / "a.mp4", "libx264", gop=999), tmp_path, 14, 20)
    assert done.rendered.video.frames_exact > 30
    assert_said(done)


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_pictures_encoded_anew_go_on_saying_what_was_said(
    codec: str, ending: str, tmp_path: Path
) -> None:
    src = captioned(tmp_path / f"a{ending}", codec)
    assert_said(edit(src, tmp_path, 14, 20, force_full=True))


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_broadcasts_encoded_anew_go_on_saying_what_was_said(codec: str, tmp_path: Path) -> None:
    src = captioned(tmp_path / "a.ts", codec, fps=Fraction(24))
    done = edit(src, tmp_path, 14, 20)
    assert done.rendered.video.action is Action.REENCODED
    assert_said(done)


def test_captions_that_another_codec_has_no_place_for_are_told(tmp_path: Path) -> None:
    src = captioned(tmp_path / "a.mp4", "libx264")
    to = Conversion(container="webm", video_codec="vp9")
    done = edit(src, tmp_path, 14, 20, name="out.webm", conversion=to)
    assert heard(done.out) == [None] * 48
    assert "its closed captions are lost" in (done.rendered.video.reason or "")


def test_long_messages_are_read_back() -> None:
    data = bytes(range(256)) * 3 + bytes(40)
    for codec, header in (("h264", 1), ("hevc", 2)):
        unit = message_unit(codec, REGISTERED, data)
        assert b"\0\0\0" not in unit
        assert list(messages(unit, header)) == [(REGISTERED, data)]
