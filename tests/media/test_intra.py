"""Codecs whose pictures stand alone: exactly the section's packets are exchanged."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.report import Action
from retake.core.request import Limits
from retake.media.bitstream.intra import parse_jpeg, parse_prores, parse_vc3
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.probe import probe
from retake.media.unspliceable import Unspliceable
from tests.clips import make_clip
from tests.media.compare import assert_spliced_exactly, pictures, psnr
from tests.media.loose import splice_loose
from tests.media.takes import edit

KINDS: dict[str, dict[str, Any]] = {
    "prores-proxy": {
        "codec": "prores_ks", "pix_fmt": "yuv422p10le", "codec_options": {"profile": "0"},
    },
    "prores-hq": {
        "codec": "prores_ks", "pix_fmt": "yuv422p10le", "codec_options": {"profile": "3"},
    },
    "prores-4444": {
        "codec": "prores_ks", "pix_fmt": "yuv444p10le", "codec_options": {"profile": "4"},
    },
    "prores-4444-alpha": {
        "codec": "prores_ks", "pix_fmt": "yuva444p10le", "codec_options": {"profile": "4"},
    },
    "dnxhr-sq": {
        "codec": "dnxhd", "pix_fmt": "yuv422p", "size": (256, 120),
        "codec_options": {"profile": "dnxhr_sq"},
    },
    "dnxhr-444": {
        "codec": "dnxhd", "pix_fmt": "yuv444p10le", "size": (256, 120),
        "codec_options": {"profile": "dnxhr_444"},
    },
    "mjpeg": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "full_range": True},
    "mjpeg-422": {"codec": "mjpeg", "pix_fmt": "yuvj422p", "full_range": True},
    "png": {"codec": "png", "pix_fmt": "rgb24"},
    "qtrle": {"codec": "qtrle", "pix_fmt": "rgb24"},
}  # fmt: skip
"""Clips of 16 pictures, and how they are made."""

PLAIN: dict[str, Any] = {
    "fps": Fraction(24), "seconds": Fraction(16, 24), "audio": "pcm_s16le",
    "gop": 12, "bframes": 0,
}  # fmt: skip
LEANING = {"qtrle"}
"""Those whose pictures may lean on the one before."""


def packets(path: Path) -> list[bytes]:
    with open_source(path) as container:
        return [bytes(packet) for packet in packets_of(container, 0)]


def clip_of(path: Path, **options: Any) -> Path:
    return make_clip(path, **(PLAIN | options))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every kind's clip in MOV, with PCM."""
    folder = tmp_path_factory.mktemp("intra")
    return {kind: clip_of(folder / f"{kind}.mov", **options) for kind, options in KINDS.items()}


@pytest.mark.parametrize(("first", "last"), [(0, 4), (5, 9), (12, 0)])
@pytest.mark.parametrize("kind", KINDS)
def test_only_the_sections_packets_are_exchanged(
    clips: dict[str, Path], tmp_path: Path, kind: str, first: int, last: int
) -> None:
    done = edit(clips[kind], tmp_path, first, last)
    if kind not in LEANING:
        assert done.rendered.touched == (first, last or 16)
    assert_spliced_exactly(done)


@pytest.mark.parametrize("kind", ["dnxhr-sq", "dnxhr-444"])
def test_new_dnxhr_frames_are_of_the_old_ones_kind_and_length(
    clips: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    done = splice_loose(clips[kind], tmp_path, 5, 9)
    assert len({(parse_vc3(data), len(data)) for data in done.after}) == 1


def test_new_dnxhd_frames_are_of_the_old_ones_kind_and_length(tmp_path: Path) -> None:
    src = clip_of(
        tmp_path / "src.mov",
        codec="dnxhd",
        pix_fmt="yuv422p",
        size=(1280, 720),
        seconds=0.2,
        audio=None,
        codec_options={"b": "90M"},
    )
    done = splice_loose(src, tmp_path, 2, 3)
    done.assert_right()
    assert {(parse_vc3(data).compression_id, len(data)) for data in done.after} == {(1251, 458752)}


@pytest.mark.parametrize("kind", ["prores-proxy", "prores-hq", "prores-4444-alpha"])
def test_new_prores_frames_are_of_the_old_ones_kind(
    clips: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    done = splice_loose(clips[kind], tmp_path, 5, 9)
    assert len({parse_prores(data) for data in done.after}) == 1
    assert parse_prores(done.after[5]).vendor == "Lavc"


@pytest.mark.parametrize("quality", [2, 6])
def test_new_jpegs_are_quantised_no_coarser_and_hardly_finer(tmp_path: Path, quality: int) -> None:
    options = {"qmin": str(quality), "qmax": str(quality)}
    src = clip_of(tmp_path / "src.mov", **(KINDS["mjpeg"] | {"codec_options": options}))
    done = splice_loose(src, tmp_path, 3, 6)
    done.assert_right()
    steps = [parse_jpeg(data).quantisers for data in done.after]
    assert steps[0] * 0.7 < steps[3] <= steps[0]


@pytest.mark.parametrize("kind", ["prores-4444-alpha", "dnxhr-sq", "mjpeg", "png"])
def test_a_full_re_encode_stays_with_the_codec(
    clips: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    done = edit(clips[kind], tmp_path, 5, 9, force_full=True)
    before, after = (probe(path, Limits()).video for path in (done.src, done.out))
    assert done.rendered.video.action is Action.REENCODED
    assert (after.codec, after.profile) == (before.codec, before.profile)
    assert (after.pix_fmt, after.colour) == (before.pix_fmt, before.colour)
    pairs = zip(pictures(done.src), pictures(done.out, strict=True), strict=True)
    assert min(psnr(a.luma, b.luma) for n, (a, b) in enumerate(pairs) if not 5 <= n < 9) > 45


def test_a_stream_that_says_it_is_interlaced_is_left_alone(
    clips: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(Unspliceable, match="interlaced"):
        splice_loose(clips["prores-hq"], tmp_path, 5, 9, interlaced=True)


def test_shapes_without_an_encoder_are_refused_by_name(
    clips: dict[str, Path], tmp_path: Path
) -> None:
    for kind, shape in (("mjpeg", "gray"), ("png", "yuv420p"), ("dnxhr-sq", "yuv420p")):
        with pytest.raises(Unspliceable, match=f"{shape} cannot be encoded"):
            splice_loose(clips[kind], tmp_path, 5, 9, pix_fmt=shape)


def test_headers_say_what_the_encoder_was_asked_for(clips: dict[str, Path]) -> None:
    frame = parse_prores(packets(clips["prores-4444-alpha"])[0])
    assert (frame.width, frame.height, frame.chroma, frame.alpha_bits) == (192, 108, 3, 16)
    assert frame.progressive
    interlaced = bytearray(packets(clips["prores-hq"])[0])
    interlaced[20] |= 1 << 2
    assert not parse_prores(bytes(interlaced)).progressive
    assert parse_vc3(packets(clips["dnxhr-sq"])[0]).compression_id == 1273
    one = packets(clips["mjpeg"])[0]
    assert parse_jpeg(one).pictures == 1
    assert parse_jpeg(one + one).pictures == 2


@given(st.data())
def test_damaged_pictures_are_read_or_refused(clips: dict[str, Path], data: st.DataObject) -> None:
    kind, parse = data.draw(
        st.sampled_from(
            [("prores-hq", parse_prores), ("dnxhr-sq", parse_vc3), ("mjpeg", parse_jpeg)]
        )
    )
    whole = bytearray(packets(clips[kind])[0][:800])
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except Unspliceable:
        return
