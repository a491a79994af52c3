"""PCM, FLAC and ALAC: outside the section every sample is the source's own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retake.core.report import Action
from retake.core.request import Limits
from retake.core.source import AudioStream
from retake.media.audio import flac
from retake.media.audio.flac import Frame, renumbered
from retake.media.audio.splice import splice_sound
from retake.media.audio.timeline import extradata, packet_bytes
from retake.media.probe import probe
from retake.media.sound import native_samples, read_sound, sample_at
from tests.media.compare import packets
from tests.media.sounds import clip_with, decoded_strictly, edit_sound, faded_tone, failed

SOURCES = {
    "flac16.mkv": ("flac", 2, 44100, "s16"),
    "flac24.mp4": ("flac", 6, 48000, "s32"),
    "flac24.mkv": ("flac", 8, 48000, "s32"),
    "flac1.mp4": ("flac", 1, 22050, "s16"),
    "alac16.mov": ("alac", 2, 44100, "s16p"),
    "alac24.mp4": ("alac", 6, 48000, "s32p"),
    "alac1.mkv": ("alac", 1, 48000, "s32p"),
    "s16.mkv": ("pcm_s16le", 2, 48000, None),
    "s16.mp4": ("pcm_s16be", 1, 48000, None),
    "s24.mov": ("pcm_s24be", 6, 48000, None),
    "s24.mkv": ("pcm_s24le", 8, 44100, None),
    "f32.mov": ("pcm_f32le", 2, 96000, None),
    "f64.mkv": ("pcm_f64le", 1, 48000, None),
    "s32.mov": ("pcm_s32le", 2, 48000, None),
    "u8.mov": ("pcm_u8", 2, 22050, None),
    "alaw.mov": ("pcm_alaw", 2, 8000, None),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_sample_outside_is_the_sources(name: str, tmp_path: Path) -> None:
    src = clip_with(tmp_path / name, *SOURCES[name])
    done = edit_sound(src, tmp_path)
    report = done.rendered.audio
    assert report.action is Action.SMART, report.reason
    assert report.codec == done.audio.codec
    # Matroska tells no durations of ALAC's packets; the last one sounds all the same.
    assert Fraction(2) - Fraction(1, 1000) <= done.audio.duration <= Fraction(21, 10)
    before, after = done.heard()
    assert np.array_equal(after[:, : done.start], before[:, : done.start])
    assert np.array_equal(after[:, done.end :], before[:, done.end :])
    step = {"u8": 2**-7, "alaw": 2**-5}.get(Path(name).stem, 2**-15)
    assert np.abs(after[:, done.start : done.end] - done.take).max() <= step
    first, last = done.rendered.audio_touched or (0, 0)
    old, new = packets(src, 1), packets(done.out, 1)
    assert [(p.pts, p.dts, p.duration) for p in new] == [(p.pts, p.dts, p.duration) for p in old]
    assert new[:first] + new[last:] == old[:first] + old[last:]
    assert 0 < last - first < len(old)
    decoded_strictly(done.out)
    assert not failed(done)


@pytest.mark.parametrize(("first", "last"), [(0, 12), (30, 48), (0, 48), (20, 21)])
def test_a_flac_track_is_spliced_at_its_ends_too(tmp_path: Path, first: int, last: int) -> None:
    done = edit_sound(clip_with(tmp_path / "a.mkv", "flac"), tmp_path, first, last)
    assert done.rendered.audio.action is Action.SMART
    before, after = done.heard()
    assert np.array_equal(after[:, : done.start], before[:, : done.start])
    assert np.array_equal(after[:, done.end :], before[:, done.end :])
    decoded_strictly(done.out)


@pytest.fixture(scope="module")
def lossless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, AudioStream]]:
    folder = tmp_path_factory.mktemp("lossless")
    paths = [clip_with(folder / n, *SOURCES[n]) for n in ("flac16.mkv", "alac16.mov", "s24.mkv")]
    return {path.name: (path, probe(path, Limits()).audio[0]) for path in paths}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_section_of_samples_changes_nothing_else(
    lossless: dict[str, tuple[Path, AudioStream]], data: st.DataObject
) -> None:
    path, audio = lossless[data.draw(st.sampled_from(sorted(lossless)))]
    rate = audio.sample_rate
    # Half of the sections begin or end where packets do.
    edges = st.sampled_from([0, 4096, 4608, 8192, 9216, 2 * rate])
    marks = st.one_of(st.integers(0, 2 * rate), edges)
    first, end = sorted((data.draw(marks), data.draw(marks)))
    end = min(max(end, first + 1), 2 * rate)
    first = min(first, end - 1)
    take = faded_tone(audio.channels, rate, end - first)
    done = splice_sound(path, audio, audio.start + Fraction(first, rate), take)
    config = done.config or extradata(path, audio.index)
    whole = packet_bytes(path, audio.index, 0, len(done.packets)) | done.replaced()
    coder = av.CodecContext.create(audio.codec, "r")
    coder.extradata = config
    coder.sample_rate, coder.layout = rate, audio.layout.replace("2 channels", "stereo")
    new = [native_samples(f) for data in whole.values() for f in coder.decode(av.Packet(data))]
    heard = np.concatenate(new, axis=1)
    exact = read_sound(path, audio, audio.start, audio.start + 2)
    scaled = (heard / -float(np.iinfo(heard.dtype).min)).astype(np.float32)
    assert np.array_equal(scaled[:, :first], exact[:, :first])
    assert np.array_equal(scaled[:, end:], exact[:, end:])
    assert np.abs(scaled[:, first:end] - take).max() <= 2**-15


def test_flac_frames_keep_their_numbers(tmp_path: Path) -> None:
    done = edit_sound(clip_with(tmp_path / "a.mkv", "flac"), tmp_path)
    made = packet_bytes(done.out, 1, 0, 1000)
    assert [Frame.parse(data).number for data in made.values()] == list(range(len(made)))
    info = extradata(done.out, 1)
    sizes = [len(data) for data in made.values()]
    assert int.from_bytes(info[4:7], "big") <= min(sizes)
    assert int.from_bytes(info[7:10], "big") >= max(sizes)
    assert info[18:] == bytes(16), "the digest of the old samples would be a lie"


def test_flac_of_blocks_that_vary_is_spliced_by_its_sample_numbers(tmp_path: Path) -> None:
    plain = clip_with(tmp_path / "plain.mkv", "flac")
    src = tmp_path / "varying.mkv"
    with av.open(plain) as old, av.open(src, "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in old.streams}
        for packet in old.demux():
            if not packet.size:
                continue
            new = packet
            if packet.stream_index == 1:
                frame = Frame.parse(bytes(packet))
                like = Frame(True, frame.number * 4608, 0, 0, 0)
                new = av.Packet(renumbered(bytes(packet), like))
                new.pts, new.dts, new.duration = packet.pts, packet.dts, packet.duration
                new.time_base = packet.time_base
            new.stream = copies[packet.stream_index]
            out.mux(new)
    done = edit_sound(src, tmp_path)
    assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
    frames = [Frame.parse(data) for data in packet_bytes(done.out, 1, 0, 1000).values()]
    assert all(frame.variable for frame in frames)
    assert [frame.number for frame in frames] == [4608 * n for n in range(len(frames))]
    assert decoded_strictly(done.out) == 2 * 48000


@given(number=st.integers(0, 2**36 - 1))
def test_any_number_of_a_flac_frame_can_be_written_and_read(number: int) -> None:
    coded = flac._code_number(number)
    assert flac._coded_number(b"....%s" % coded) == (number, 4 + len(coded))
    assert 1 <= len(coded) <= 7


def test_flac_check_sums_are_the_standards() -> None:
    # The catalogue's check values for the text "123456789": CRC-8/SMBUS and CRC-16/UMTS.
    assert flac._crc8(b"123456789") == 0xF4
    assert flac._crc16(b"123456789") == 0xFEE8


def test_a_track_that_ends_with_the_section_loses_nothing_more(tmp_path: Path) -> None:
    done = edit_sound(clip_with(tmp_path / "a.mov", "pcm_s16le"), tmp_path, 40, 48)
    before, after = done.heard()
    assert after.shape == before.shape
    assert sample_at(done.audio, Fraction(2)) == done.end
