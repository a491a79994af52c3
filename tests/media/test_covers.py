"""Cover pictures come through wherever the new file has room for them; elsewhere it is told."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from av.stream import Disposition
from PIL import Image

from retake.core.conversion import Conversion
from retake.core.request import Mode
from retake.media.proof.verify import verify
from tests.clips import make_clip
from tests.media.compare import assert_verified
from tests.media.takes import Edit, edit

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def drawn(kind: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (48, 64), (200, 30, 90)).save(data, kind)
    return data.getvalue()


COVERS = [drawn("JPEG"), drawn("PNG")]


def covered(path: Path) -> Path:
    """Write a clip with two cover pictures, as an MKV or an MP4."""
    plain = make_clip(path.with_name("plain.mp4"), seconds=1)
    with av.open(plain) as old, av.open(path, "w") as out:
        copies = [out.add_stream_from_template(stream, opaque=True) for stream in old.streams]
        first: list[av.Packet] = []
        if path.suffix == ".mkv":
            out.add_attachment("cover.jpg", "image/jpeg", COVERS[0])
            out.add_attachment("small_cover.png", "image/png", COVERS[1])
        else:
            for codec, data in zip(("mjpeg", "png"), COVERS, strict=True):
                stream = out.add_stream(codec)
                stream.width, stream.height = 48, 64
                stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24"
                stream.disposition = Disposition.attached_pic
                first.append(av.Packet(data))
                first[-1].stream = stream
        out.start_encoding()
        for packet in [*first, *old.demux()]:
            if packet.size:
                if packet not in first:
                    packet.stream = copies[packet.stream_index]
                out.mux_one(packet)
    return path


def covers_of(path: Path) -> list[bytes]:
    with av.open(path) as container:
        covers = [s for s in container.streams if s.disposition & Disposition.attached_pic]
        found = {p.stream_index: bytes(p) for p in container.demux(covers) if p.size}
        return [found[stream.index] for stream in covers]


def assert_covered(done: Edit) -> None:
    assert covers_of(done.src) == covers_of(done.out) == COVERS
    assert done.rendered.lost == ()
    assert_verified(done)


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
@pytest.mark.parametrize("anew", [False, True])
def test_covers_come_through(ending: str, anew: bool, tmp_path: Path) -> None:
    src = covered(tmp_path / f"a{ending}")
    assert_covered(edit(src, tmp_path, 5, 9, force_full=anew))


@pytest.mark.parametrize(("source", "container"), [("a.mkv", "mp4"), ("a.mp4", "mkv")])
def test_covers_move_into_another_container(source: str, container: str, tmp_path: Path) -> None:
    src = covered(tmp_path / source)
    to = Conversion(container=container)
    assert_covered(edit(src, tmp_path, 5, 9, name=f"out.{container}", conversion=to))


def test_names_of_covers_stay(tmp_path: Path) -> None:
    done = edit(covered(tmp_path / "a.mkv"), tmp_path, 5, 9)
    with av.open(done.out) as container:
        names = [stream.metadata.get("filename") for stream in container.streams.video]
    assert names == [None, "cover.jpg", "small_cover.png"]


def test_a_cover_without_a_home_is_told(tmp_path: Path) -> None:
    src = covered(tmp_path / "a.mkv")
    done = edit(src, tmp_path, 5, 9, name="out.mov", conversion=Conversion(container="mov"))
    assert covers_of(done.out) == []
    assert done.rendered.lost == ("cover picture, stream 2", "cover picture, stream 3")


def test_another_cover_is_found_out(tmp_path: Path) -> None:
    done = edit(covered(tmp_path / "a.mkv"), tmp_path, 5, 9)
    data = done.out.read_bytes()
    at = data.index(COVERS[1])
    done.out.write_bytes(data[: at + 60] + b"?" + data[at + 61 :])
    checks = verify(
        done.src, done.out, done.source, done.section, Mode.AUDIO_AND_VIDEO, done.rendered
    )
    assert [check.name for check in checks if not check.passed] == ["other streams"]
