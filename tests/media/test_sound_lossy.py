"""AAC-LC, Opus, AC-3: packets outside the section are the source's, and the new ones join them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from retake.core.report import Action
from retake.core.request import Limits
from retake.media.audio.opus import samples_in
from retake.media.audio.splice import splice_sound
from retake.media.audio.timeline import extradata, packet_bytes
from retake.media.probe import probe
from retake.media.sound import raw_decoder, to_float
from retake.media.unspliceable import Unspliceable
from tests.media.compare import packets
from tests.media.sounds import (
    SoundEdit,
    chirps,
    clip_with,
    decoded_strictly,
    edit_sound,
    failed,
    lag,
    level_db,
)

# Codec, channels, rate; samples a packet; samples that a packet shares with the one before; and
# the loudest difference beyond the packets that were made anew, in dBFS.
SOURCES = {
    "aac.mp4": ("aac", 2, 48000, 1024, 1024, -200),
    "aac1.mkv": ("aac", 1, 22050, 1024, 1024, -200),
    "aac6.mov": ("aac", 6, 44100, 1024, 1024, -200),
    "aac8.mp4": ("aac", 8, 48000, 1024, 1024, -200),
    "opus.webm": ("libopus", 2, 48000, 960, 120, -45),
    "opus1.mp4": ("libopus", 1, 48000, 960, 120, -45),
    "opus6.mkv": ("libopus", 6, 48000, 960, 120, -45),
    "opus8.mkv": ("libopus", 8, 48000, 960, 120, -45),
    "opus5ms.mkv": ("libopus", 2, 48000, 240, 120, -35),
    "opus60ms.mp4": ("libopus", 1, 48000, 2880, 120, -45),
    "ac3.mp4": ("ac3", 6, 48000, 1536, 256, -200),
    "ac3.mkv": ("ac3", 2, 44100, 1536, 256, -200),
    "ac31.mov": ("ac3", 1, 32000, 1536, 256, -200),
    "eac3.mp4": ("eac3", 2, 48000, 1536, 256, -200),
    "eac3.mkv": ("eac3", 6, 48000, 1536, 256, -200),
}


@pytest.mark.parametrize("name", SOURCES)
def test_new_packets_join_the_sources(name: str, tmp_path: Path) -> None:
    codec, channels, rate, frame, overlap, loudest = SOURCES[name]
    options = {"frame_duration": str(frame // 48)} if codec == "libopus" else None
    src = clip_with(tmp_path / name, codec, channels, rate, options=options)
    done = edit_sound(src, tmp_path)
    report = done.rendered.audio
    assert report.action is Action.SMART, report.reason
    assert_kept(done, frame)
    before, after = done.heard()
    # A packet on either side of the section, and what overlaps with the last one.
    clear = done.end + frame + max(frame, 960) + overlap
    assert level_db(after[:, clear:] - before[:, clear:]) <= loudest
    assert np.array_equal(after[:, : done.start - 3 * frame], before[:, : done.start - 3 * frame])
    heard = after[:, done.start : done.end]
    # The channel for low effects holds no tone of 900 Hz.
    full = [n for n in range(channels) if not (channels >= 6 and n == 3)]
    assert lag(heard[full], done.take[full]) == 0
    assert level_db(heard[full] - done.take[full]) <= level_db(done.take) - 20
    decoded_strictly(done.out)
    assert not failed(done)


@pytest.mark.parametrize("codec", ["aac", "libopus", "ac3"])
@pytest.mark.parametrize(("first", "last"), [(0, 12), (36, 48), (0, 48)])
def test_the_ends_of_a_track_are_spliced_too(
    tmp_path: Path, codec: str, first: int, last: int
) -> None:
    done = edit_sound(clip_with(tmp_path / "a.mp4", codec), tmp_path, first, last)
    assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
    before, after = done.heard()
    assert after.shape == before.shape
    heard = after[:, max(done.start, 0) : done.end]
    assert lag(heard, done.take[:, : heard.shape[1]]) == 0
    assert not failed(done)


@pytest.mark.parametrize(("codec", "frame"), [("aac", 1024), ("ac3", 1536), ("libopus", 960)])
@pytest.mark.parametrize("into", [0, 30, 200])
def test_what_overlaps_with_a_section_that_begins_a_packet_is_made_anew_as_well(
    tmp_path: Path, codec: str, frame: int, into: int
) -> None:
    src = clip_with(tmp_path / "a.mp4", codec)
    audio = probe(src, Limits()).audio[0]
    packet = 30
    first = packets(src, 1)[packet].pts + into
    take = np.repeat(chirps(1, 48000)[:, 40000:60000], 2, 0)
    done = splice_sound(src, audio, audio.start + Fraction(first, 48000), take)
    whole = packet_bytes(src, 1, 0, 1000) | done.replaced()
    coder = av.CodecContext.create(audio.codec, "r")
    coder.extradata = extradata(src, 1)
    raw_decoder(coder, audio.codec)
    new = [to_float(f) for data in whole.values() for f in coder.decode(av.Packet(data))]
    heard = np.concatenate(new, axis=1)[:, packet * frame + into :][:, :20000]
    assert level_db(heard[:, :250] - take[:, :250]) <= -25
    assert lag(heard, take) == 0


def test_noise_that_the_decoder_makes_up_is_no_damage(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).normal(0, 0.05, (2, 96000)).astype(np.float32)
    src = clip_with(tmp_path / "a.mp4", "aac", sound=noise, options={"aac_pns": "1"})
    done = edit_sound(src, tmp_path)
    assert done.rendered.audio.action is Action.SMART
    assert_kept(done, 1024)
    before, after = done.heard()
    # This is why the test is needed: the packets are the same, what is heard is not.
    assert level_db(after[:, done.end + 3072 :] - before[:, done.end + 3072 :]) > -50
    assert not failed(done)


def assert_kept(done: SoundEdit, frame: int) -> None:
    """Check that all packets but those of the section and one on either side are the source's."""
    first, last = done.rendered.audio_touched or (0, 0)
    old, new = packets(done.src, 1), packets(done.out, 1)
    assert [(p.pts, p.dts, p.duration) for p in new] == [(p.pts, p.dts, p.duration) for p in old]
    assert new[:first] + new[last:] == old[:first] + old[last:]
    assert done.rendered.audio.packets_copied == len(old) - (last - first)
    # The section lies in this many packets, wherever it begins; one more on either side.
    # Packets shorter than 20 ms: as many behind it as make up that.
    assert last - first <= -(-done.take.shape[1] // frame) + 2 + max(960 // frame, 1)


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"\x00", 480),
        (b"\x18..", 2880),
        (b"\x60.", 480),
        (b"\x79.", 1920),
        (b"\xfc.", 960),
        (b"\xfd.", 1920),
        (b"\xff\x03", 2880),
        (b"\x83\x06", 720),
    ],
)
def test_an_opus_packet_tells_how_long_it_sounds(packet: bytes, samples: int) -> None:
    assert samples_in(packet) == samples


def test_an_empty_opus_packet_is_refused() -> None:
    with pytest.raises(Unspliceable):
        samples_in(b"")
