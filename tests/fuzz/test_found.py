"""Broken files that once did what they must not, each told in one test."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import av
import pytest

from retake.core.errors import BadSource, RenderFailed
from retake.core.request import Limits
from retake.media.muxing.sound import add_track
from retake.media.sandbox import probe_safely
from tests.clips import make_clip
from tests.matrix.sources import ROWS
from tests.media.takes import edit


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


def test_what_cannot_be_put_together_is_not_called_the_disks_fault(tmp_path: Path) -> None:
    path = ROWS["h264 timecode mov"].make(tmp_path / "timecode.mov")
    data = bytearray(path.read_bytes())
    # FFmpeg reads on where a box is said to be longer than the file, and then muxes nothing of it.
    struct.pack_into(">I", data, data.index(b"minf", data.index(b"VideoHandler")) - 4, 0x7FFFFFFF)
    path.write_bytes(data)
    with pytest.raises(RenderFailed) as caught:
        edit(path, tmp_path, 5, 9)
    assert caught.value.code == "not_muxed"


def test_sound_of_more_channels_than_can_be_encoded_is_refused(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.mkv", "w") as out, pytest.raises(RenderFailed) as caught:
        add_track(out, "aac", 9, 48000, "9 channels", None)
    assert caught.value.code == "not_encoded"


LEAVE_EARLY = """
import sys
from pathlib import Path
from retake.core.request import Limits
from retake.media.packets import index_packets
from retake.media.pictures.pads import pad_frames
from retake.media.pictures.spans import Span
from retake.media.probe import probe
path = Path(sys.argv[1])
video = probe(path, Limits()).video
shown = tuple(sorted(packet.pts for packet in index_packets(path, video.index)))
for number in range(300):
    frames = pad_frames(path, video, Span(0, len(shown), shown))
    next(frames)
    frames.close()
"""


def test_a_decoder_that_is_left_early_ends(tmp_path: Path) -> None:
    path = ROWS["h264 edit list mp4"].make(tmp_path / "hidden.mp4")
    # A deadlock cannot be told from inside: the child is given far more time than it needs.
    command = [sys.executable, "-c", LEAVE_EARLY, str(path)]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0
