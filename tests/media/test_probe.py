"""Probing tells exactly what is in a video, and refuses each kind of bad file in its own words."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.media.probe import probe
from retake.media.sandbox import probe_safely
from tests.clips import make_clip

LIMITS = Limits()


def refused(path: Path, limits: Limits = LIMITS) -> str:
    """Return the code with which a file is refused; the sandbox has to say the same."""
    with pytest.raises(BadSource) as told:
        probe(path, limits)
    assert told.value.param == "video_uri"
    assert str(path) not in told.value.message
    with pytest.raises(BadSource) as told_safely:
        probe_safely(path, limits)
    assert told_safely.value.to_dict() == told.value.to_dict()
    return told.value.code


def test_a_clip_is_described_exactly(clip: Path) -> None:
    source = probe(clip, LIMITS)
    video, (audio,) = source.video, source.audio
    assert (video.codec, video.pix_fmt, video.bit_depth) == ("h264", "yuv420p", 8)
    assert (video.width, video.height, video.rotation) == (192, 108, 0)
    assert video.frame_rate == 24
    assert video.times == tuple(Fraction(number, 24) for number in range(96))
    assert video.duration == 4
    assert (audio.codec, audio.sample_rate, audio.channels, audio.layout) == (
        "aac",
        48000,
        2,
        "stereo",
    )
    assert (audio.start, audio.duration, audio.frame_size) == (0, 4, 1024)
    assert source.size_bytes == clip.stat().st_size
    assert not source.fragmented


def test_the_sandbox_finds_the_same(clip: Path) -> None:
    assert probe_safely(clip, LIMITS) == probe(clip, LIMITS)


def test_a_clip_without_sound_has_none(silent_clip: Path) -> None:
    assert probe(silent_clip, LIMITS).audio == ()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_rotation_that_shows_the_picture_upright_is_found(tmp_path: Path, turn: int) -> None:
    video = probe(make_clip(tmp_path / "a.mp4", seconds=0.5, rotation=turn), LIMITS).video
    assert video.rotation == turn
    assert video.upright_size == ((108, 192) if turn % 180 else (192, 108))


def test_a_variable_rate_keeps_every_time(tmp_path: Path) -> None:
    video = probe(make_clip(tmp_path / "a.mp4", seconds=0.5, variable=True), LIMITS).video
    steps = [1, 1, 2] * 4
    assert video.times == tuple(Fraction(sum(steps[:number]), 24) for number in range(12))


def test_ten_bits_full_range_and_colour_tags_are_told(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", seconds=0.5, pix_fmt="yuv420p10le", matrix=1)
    assert probe(path, LIMITS).video.bit_depth == 10
    assert probe(path, LIMITS).video.colour.matrix == 1
    full = make_clip(tmp_path / "b.mp4", seconds=0.5, pix_fmt="yuvj420p", full_range=True)
    assert probe(full, LIMITS).video.colour.full_range


def test_fragments_are_noticed(tmp_path: Path) -> None:
    flags = {"movflags": "frag_keyframe+empty_moov"}
    source = probe(make_clip(tmp_path / "a.mp4", seconds=1, container_options=flags), LIMITS)
    assert source.fragmented
    assert len(source.video.pts) == 24


@pytest.mark.parametrize(
    ("name", "codec", "audio"),
    [
        ("a.mkv", "libx264", "flac"),
        ("a.webm", "libvpx-vp9", "libopus"),
        ("a.mov", "prores_ks", "pcm_s16le"),
        ("a.avi", "mpeg4", "pcm_s16le"),
        ("a.ts", "libx264", "aac"),
        ("a.mpg", "mpeg2video", "mp2"),
        ("a.mp4", "mpeg4", "aac"),
        ("a.mp4", "libx265", "aac"),
        ("a.mp4", "libsvtav1", "aac"),
    ],
)
def test_other_containers_and_codecs_are_let_in(
    tmp_path: Path, name: str, codec: str, audio: str
) -> None:
    pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    path = make_clip(tmp_path / name, codec=codec, audio=audio, seconds=1, pix_fmt=pix_fmt)
    source = probe(path, LIMITS)
    assert len(source.video.pts) == 24
    assert abs(source.video.duration - 1) < Fraction(1, 100)
    assert len(source.audio) == 1


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.mp4") == "not_found"


def test_a_folder_is_no_video(tmp_path: Path) -> None:
    assert refused(tmp_path) == "is_directory"


def test_a_device_is_no_file() -> None:
    assert refused(Path("/dev/zero")) == "not_a_file"


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert refused(tmp_path / "a.mp4") == "empty"


def test_a_file_over_the_byte_limit_is_too_big(clip: Path) -> None:
    assert refused(clip, Limits(max_bytes=1000)) == "too_big"


@pytest.mark.parametrize(
    "content",
    [
        b"hello, I am a text\n" * 100,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
        bytes(5000),
        b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2",
        b"\x1a\x45\xdf\xa3" + b"\xff" * 100,
        b"<html><body>404</body></html>",
    ],
)
def test_what_is_not_a_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert refused(path) == "not_a_video"


def test_a_picture_is_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    with av.open(path, "w", format="mjpeg") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(stream.encode(None))
    assert refused(path) == "not_a_video"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    assert refused(make_clip(tmp_path / "a.m4a", codec=None, container="mp4")) == "no_video"


def test_cover_art_does_not_make_sound_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    make_clip(path, seconds=1, codec="mjpeg", pix_fmt="yuvj420p", fps=Fraction(1), bframes=0)
    with av.open(path) as source, av.open(tmp_path / "b.mp4", "w") as out:
        kept = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
        kept[0].disposition = av.stream.Disposition.attached_pic
        for packet in source.demux():
            if packet.size:
                packet.stream = kept[packet.stream_index]
                out.mux(packet)
    assert refused(tmp_path / "b.mp4") == "no_video"


def test_a_video_track_without_frames_is_told(tmp_path: Path) -> None:
    flags = {"movflags": "frag_keyframe+empty_moov"}
    path = make_clip(tmp_path / "a.mp4", seconds=1, container_options=flags)
    content = path.read_bytes()
    # The first part of a stream cut into segments: it describes the tracks and holds none of them.
    path.write_bytes(content[: content.index(b"moof") - 4])
    assert refused(path) == "no_frames"


def test_pictures_that_nothing_here_decodes_are_told(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", seconds=1)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    assert refused(path) == "unsupported_codec"


def test_copy_protected_pictures_are_told(tmp_path: Path) -> None:
    protection = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = make_clip(tmp_path / "a.mp4", seconds=1, container_options=protection)
    assert refused(path) == "encrypted"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("name", ["late.mp4", "early.mp4", "a.mkv", "a.avi"])
def test_a_file_whose_end_is_missing_is_truncated(tmp_path: Path, name: str, share: float) -> None:
    flags = {"movflags": "faststart"} if name == "early.mp4" else None
    codec = "mpeg4" if name == "a.avi" else "libx264"
    audio = "pcm_s16le" if name == "a.avi" else "aac"
    whole = make_clip(tmp_path / name, codec=codec, audio=audio, container_options=flags)
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * share)])
    assert refused(whole) == "truncated"


def test_a_broken_last_frame_is_damage(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", audio=None, bframes=0, gop=96)
    overwrite(path, last_packet(path))
    assert refused(path) == "damaged"


def test_a_broken_first_frame_is_damage(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", audio=None, codec="mjpeg", pix_fmt="yuvj420p", bframes=0)
    with av.open(path) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    for place in places:
        overwrite(path, place)
    assert refused(path) == "damaged"


def last_packet(path: Path) -> tuple[int, int]:
    with av.open(path) as container:
        return max((p.pos, p.size) for p in container.demux(video=0) if p.size)


def overwrite(path: Path, place: tuple[int, int]) -> None:
    with path.open("r+b") as file:
        file.seek(place[0])
        file.write(b"\xff" * place[1])


def test_longer_than_the_limit_is_too_long_and_one_frame_more_is_not(tmp_path: Path) -> None:
    rate = Fraction(8)
    fits = make_clip(tmp_path / "a.mp4", fps=rate, seconds=21 + 1 / rate, audio=None)
    assert len(probe(fits, LIMITS).video.pts) == 169
    longer = make_clip(tmp_path / "b.mp4", fps=rate, seconds=21 + 2 / rate, audio=None)
    assert refused(longer) == "too_long"
    much = make_clip(tmp_path / "c.mp4", fps=Fraction(1), seconds=60, audio=None)
    assert refused(much) == "too_long"


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((3840, 2160), True),
        ((2160, 3840), True),
        ((3856, 64), False),
        ((64, 3856), False),
        ((2176, 2176), False),
    ],
)
def test_the_size_limit_holds_in_either_orientation(
    tmp_path: Path, size: tuple[int, int], fits: bool
) -> None:
    path = make_clip(tmp_path / "a.mp4", size=size, seconds=1, fps=Fraction(1), audio=None)
    if fits:
        assert probe(path, LIMITS).video.upright_size == size
    else:
        assert refused(path) == "too_large"


def test_too_many_frames_a_second_are_refused(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "a.mp4", fps=Fraction(2000), seconds=1, size=(16, 16), audio=None, bframes=0
    )
    assert refused(path, Limits(max_seconds=Fraction(2))) == "too_many_frames"


def test_a_picture_far_larger_than_its_container_says_is_never_allocated(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mov", codec="mjpeg", pix_fmt="yuvj420p", bframes=0, seconds=1)
    content = bytearray(path.read_bytes())
    at = content.find(b"\xff\xc0")
    while at >= 0:
        content[at + 5 : at + 9] = struct.pack(">HH", 12000, 16000)
        at = content.find(b"\xff\xc0", at + 1)
    path.write_bytes(content)
    assert refused(path) in {"damaged", "too_large"}


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile '{clip}'\n",
    "concat by http": "ffconcat version 1.0\nfile '{url}'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{clip}\n#EXT-X-ENDLIST\n",
    "hls by http": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
    "<BaseURL>{url}</BaseURL></Period></MPD>",
}


@pytest.mark.parametrize("ending", ["mp4", "m3u8", "txt", "sdp", "ffconcat"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_text_that_names_other_media_opens_none(
    tmp_path: Path, clip: Path, listener: Callable[[], list[str]], kind: str, ending: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{listener.port}/clip.ts"  # type: ignore[attr-defined]
    path = tmp_path / f"a.{ending}"
    path.write_text(PLAYLISTS[kind].format(clip=clip, url=url, port=port))
    with pytest.raises(BadSource) as told:
        probe(path, LIMITS)
    assert told.value.code == "not_a_video"
    assert listener() == []


@pytest.fixture(scope="module")
def listener() -> object:
    """A web server that remembers who asked for what; calling it returns that."""
    asked: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def heard() -> list[str]:
        return asked

    heard.port = server.server_port  # type: ignore[attr-defined]
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_name_that_looks_like_a_protocol_is_a_name(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "ok.mp4", seconds=0.5)
    odd = path.rename(tmp_path / "concat:a|b%20 ü.mp4")
    assert len(probe(odd, LIMITS).video.pts) == 12


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_is_broken_only_bad_source_is_raised(
    clip: Path, broken: Path, data: st.DataObject
) -> None:
    content = bytearray(clip.read_bytes())
    # The index decides what a demuxer does: most of the breaking is done in it.
    index = content.index(b"moov")
    places = st.one_of(st.integers(0, len(content) - 1), st.integers(index, len(content) - 1))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(places)] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    broken.write_bytes(content)
    try:
        source = probe(broken, LIMITS)
    except BadSource as error:
        assert error.code != "not_found"
        return
    assert source.video.duration <= 22


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken") / "a.mp4"
