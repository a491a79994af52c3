"""Broken files that once did what they must not, each told in one test."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.media.sandbox import probe_safely
from tests.clips import make_clip
from tests.matrix.sources import ROWS


def test_sound_without_channels_is_no_sound(tmp_path: Path) -> None:
    path = ROWS["vorbis mkv"].make(tmp_path / "vorbis.mkv")
    data = bytearray(path.read_bytes())
    # Vorbis I, 4.2.2: the identification header holds a version of four bytes, then the channels.
    data[data.index(b"\x01vorbis") + 7 + 4] = 0
    path.write_bytes(data)
    assert probe_safely(path, Limits()).audio == ()


def test_sound_of_hours_beside_seconds_of_pictures_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "long.mp4", seconds=1)
    data = bytearray(path.read_bytes())
    # The sound's own table comes second: its last packet is made to last for hours.
    stts = data.index(b"stts", data.index(b"stts") + 4)
    (count,) = struct.unpack_from(">I", data, stts + 8)
    struct.pack_into(">I", data, stts + 12 + 8 * (count - 1) + 4, 0x3FFFFFFF)
    path.write_bytes(data)
    with pytest.raises(BadSource) as caught:
        probe_safely(path, Limits())
    assert caught.value.code == "too_long"
