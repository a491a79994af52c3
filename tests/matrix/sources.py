"""The sources of the matrix: one row for everything that people really have, and what is promised.

A row makes its clip on the spot, with the encoders in PyAV alone: two and a half seconds of
numbered pictures, a keyframe a second, a tone in every channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.clips import make_clip
from tests.matrix.dressing import Dress, dressed, two_descriptions

GOP = 24


class Promise(StrEnum):
    """What is promised of a stream outside the section."""

    EXACT = "every sample outside the section is the source's"
    PADS = "packets outside are the source's; the few encoded again look the same"
    REENCODED = "the stream is encoded anew as a whole, and the report says why"
    ABSENT = "there is none"


@dataclass(frozen=True)
class Row:
    """One kind of source.

    Attributes:
        name: Its name in tests.
        ending: Of its file name.
        make: Writes it to a path.
        video: What is promised of the pictures.
        audio: What is promised of the sound that is edited.
        resumes: Whether the source's own packets go on after the section, where one second of
            them follows it.
        slack: How many packets around the section may have to be encoded beyond the nearest
            keyframes, in decode order.
        reason: What the report says of a stream that is encoded anew: one of its words.
        codec: The pictures' codec afterwards; None for the source's own.
        audio_codec: The same for the sound.
        noisy: Whether the sound is noise, which lossy decoders make up anew each time.
    """

    name: str
    ending: str
    make: Callable[[Path], Path]
    video: Promise = Promise.PADS
    audio: Promise = Promise.PADS
    resumes: bool = True
    slack: int = 10
    reason: str = ""
    codec: str | None = None
    audio_codec: str | None = None
    noisy: bool = False


def _clip(**options: Any) -> Callable[[Path], Path]:
    """Return what makes a plain clip."""

    def make(path: Path) -> Path:
        return make_clip(path, **{"seconds": 2.5, "size": (160, 90), "gop": GOP, **options})

    return make


def _dressed(dress: Dress, *, plain: str = ".mp4", **options: Any) -> Callable[[Path], Path]:
    """Return what makes a clip and dresses it."""

    def make(path: Path) -> Path:
        first = _clip(**options)(path.with_name(f"plain-{path.stem}{plain}"))
        return dressed(first, path, dress)

    return make


def _x264(*params: str, **options: str) -> dict[str, str]:
    return {"x264-params": ":".join(("scenecut=0", "log-level=error", *params)), **options}


def _x265(*params: str) -> dict[str, str]:
    return {
        "preset": "ultrafast",
        "x265-params": ":".join(("log-level=none", "scenecut=0", *params)),
    }


def _colours(primaries: int, transfer: int, matrix: int) -> Callable[[Any, Any], None]:
    def prepare(video: Any, _track: Any) -> None:
        context = video.codec_context
        context.color_primaries, context.color_trc = primaries, transfer
        context.colorspace = matrix

    return prepare


def _aspect(video: Any, _track: Any) -> None:
    video.codec_context.sample_aspect_ratio = Fraction(4, 3)


def _experimental(_video: Any, track: Any) -> None:
    track.codec_context.options = {"strict": "experimental"}


def _timecode(video: Any, _track: Any) -> None:
    video.metadata["timecode"] = "01:02:03:04"


def _noise() -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, 0.05, (2, 120_000)).astype(np.float32)


def _several_tracks(path: Path) -> Path:
    other = _clip(codec=None, audio="aac", channels=1, rate=44100)(
        path.with_name(f"second-{path.stem}.m4a")
    )
    text = "mov_text" if path.suffix == ".mp4" else "subrip"
    dress = Dress(
        more=[other],
        options={"movflags": "+faststart"} if path.suffix == ".mp4" else {},
        subtitles=text,
        chapters=True,
        metadata={"title": "All of it", "comment": "a clip", "artist": "somebody"},
        streams={
            0: {"language": "eng"},
            1: {"language": "fra", "handler_name": "Musique", "title": "Musique"},
            2: {"language": "deu", "handler_name": "Kommentar", "title": "Kommentar"},
            3: {"language": "spa"},
        },
    )
    return _dressed(dress)(path)


def _joined(path: Path) -> Path:
    # Small chunks, so that the table can change its mind in the middle.
    plain = _clip(container_options={"chunk_duration": "300000"})(path.with_name("joined.mp4"))
    return two_descriptions(plain, path)


_HDR = (
    "hdr10=1",
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
    "max-cll=1000,400",
)
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
_HEVC: dict[str, Any] = {"codec": "libx265", "codec_options": _x265("open-gop=0")}
_VP9 = {
    "codec": "libvpx-vp9",
    "codec_options": {
        "deadline": "good",
        "cpu-used": "8",
        "auto-alt-ref": "1",
        "lag-in-frames": "16",
        "b": "300k",
    },
}
_AV1 = {"codec": "libsvtav1", "codec_options": {"preset": "12", "crf": "35"}}
_SPLICED_RAW: dict[str, Any] = {"video": Promise.EXACT, "audio": Promise.EXACT, "slack": 0}
_ANEW: dict[str, Any] = {"video": Promise.REENCODED, "audio": Promise.REENCODED}

H264 = [
    Row("h264", ".mp4", _clip()),
    Row("h264 without B-frames", ".mp4", _clip(bframes=0)),
    Row("h264 baseline", ".mp4", _clip(bframes=0, codec_options=_x264(profile="baseline"))),
    Row("h264 main CAVLC", ".mp4", _clip(codec_options=_x264("cabac=0", profile="main"))),
    Row("h264 high10", ".mp4", _clip(pix_fmt="yuv420p10le")),
    Row("h264 high422", ".mp4", _clip(pix_fmt="yuv422p")),
    Row("h264 high422 10-bit", ".mp4", _clip(pix_fmt="yuv422p10le")),
    Row("h264 444", ".mp4", _clip(pix_fmt="yuv444p")),
    Row("h264 444 10-bit", ".mp4", _clip(pix_fmt="yuv444p10le")),
    Row("h264 sliced", ".mp4", _clip(codec_options=_x264("slices=4"))),
    Row("h264 B-pyramid", ".mp4", _clip(bframes=8, codec_options=_x264("b-pyramid=normal"))),
    Row("h264 variable rate", ".mp4", _clip(variable=True, audio=None), audio=Promise.ABSENT),
    Row("h264 NTSC", ".mp4", _clip(fps=Fraction(30000, 1001))),
    Row("h264 60 frames a second", ".mp4", _clip(fps=Fraction(60), seconds=1.5)),
    Row("h264 rotated", ".mp4", _clip(rotation=90)),
    Row("h264 anamorphic", ".mp4", _clip(prepare=_aspect)),
    Row("h264 full range", ".mp4", _clip(pix_fmt="yuvj420p", full_range=True)),
    Row("h264 BT.709", ".mp4", _clip(matrix=1, prepare=_colours(1, 1, 1))),
    Row("h264 edit list", ".mp4", _dressed(Dress(skip=Fraction(10, 24)), seconds=3)),
    Row("h264 edit list, no B", ".mp4", _dressed(Dress(skip=Fraction(1, 2)), seconds=3, bframes=0)),
    Row("h264 one keyframe", ".mp4", _clip(gop=999), resumes=False),
    Row("h264 open GOP", ".mp4", _clip(codec_options=_x264("open-gop=1")), resumes=False),
    Row("h264 intra only", ".mp4", _clip(gop=1, bframes=0), slack=1),
    Row("h264 odd size", ".mp4", _clip(size=(162, 94))),
    Row("h264", ".mov", _clip(), audio=Promise.PADS),
    Row("h264", ".mkv", _clip()),
    Row("h264 fragmented", ".mp4", _clip(container_options=_FRAGMENTED)),
    Row("h264 several tracks", ".mp4", _several_tracks),
    Row("h264 several tracks", ".mkv", _several_tracks),
    Row("h264 timecode", ".mov", _clip(prepare=_timecode)),
    Row("h264 no sound", ".mp4", _clip(audio=None), audio=Promise.ABSENT),
    Row("h264 no sound", ".mkv", _clip(audio=None), audio=Promise.ABSENT),
]
HEVC = [
    Row("hevc", ".mp4", _clip(**_HEVC), video=Promise.EXACT),
    Row(
        "hevc hvc1",
        ".mp4",
        _dressed(Dress(tag="hvc1"), **_HEVC),
        video=Promise.EXACT,
    ),
    Row("hevc", ".mkv", _clip(**_HEVC), video=Promise.EXACT),
    Row("hevc 10-bit", ".mp4", _clip(**_HEVC, pix_fmt="yuv420p10le"), video=Promise.EXACT),
    Row(
        "hevc HDR10",
        ".mp4",
        _clip(
            codec="libx265",
            pix_fmt="yuv420p10le",
            codec_options=_x265("open-gop=0", *_HDR),
            prepare=_colours(9, 16, 9),
        ),
        video=Promise.EXACT,
    ),
    Row("hevc 422 10-bit", ".mp4", _clip(**_HEVC, pix_fmt="yuv422p10le"), video=Promise.EXACT),
    Row(
        "hevc open GOP",
        ".mp4",
        _clip(codec="libx265", codec_options=_x265("open-gop=1"), bframes=4),
        video=Promise.EXACT,
    ),
    Row("hevc one keyframe", ".mp4", _clip(**_HEVC, gop=999), video=Promise.EXACT, resumes=False),
]
OTHERS = [
    Row("vp9 opus", ".webm", _clip(**_VP9, audio="libopus"), video=Promise.EXACT, slack=20),
    Row(
        "vp9 without alt-ref",
        ".webm",
        _clip(codec="libvpx-vp9", audio="libopus"),
        video=Promise.EXACT,
        slack=20,
    ),
    Row("vp9", ".mp4", _clip(**_VP9), video=Promise.EXACT, slack=20),
    Row("av1", ".mp4", _clip(**_AV1), video=Promise.EXACT, slack=34),
    Row("av1 opus", ".webm", _clip(**_AV1, audio="libopus"), video=Promise.EXACT, slack=34),
    Row("av1 10-bit", ".mp4", _clip(**_AV1, pix_fmt="yuv420p10le"), slack=34),
    Row(
        "prores pcm",
        ".mov",
        _clip(codec="prores_ks", pix_fmt="yuv422p10le", audio="pcm_s16le", seconds=1.5),
        **_SPLICED_RAW,
    ),
    Row(
        "prores 4444 pcm",
        ".mov",
        _clip(codec="prores_ks", pix_fmt="yuv444p10le", audio="pcm_s24le", seconds=1),
        **_SPLICED_RAW,
    ),
    Row(
        "dnxhr pcm",
        ".mov",
        _clip(
            codec="dnxhd",
            pix_fmt="yuv422p",
            size=(256, 144),
            codec_options={"profile": "dnxhr_hq"},
            audio="pcm_s16le",
            seconds=1,
        ),
        **_SPLICED_RAW,
    ),
    Row(
        "mjpeg pcm",
        ".mov",
        _clip(
            codec="mjpeg",
            pix_fmt="yuvj420p",
            full_range=True,
            bframes=0,
            audio="pcm_s16le",
            seconds=1.5,
        ),
        **_SPLICED_RAW,
    ),
]
ANEW = [
    Row(
        "vp8 vorbis",
        ".webm",
        _clip(codec="libvpx", audio="vorbis", prepare=_experimental),
        audio=Promise.REENCODED,
        audio_codec="opus",
    ),
    Row("mpeg2", ".mpg", _clip(codec="mpeg2video", fps=Fraction(25), audio="mp2"), **_ANEW),
    Row("mpeg2", ".ts", _clip(codec="mpeg2video", fps=Fraction(25), audio="mp2"), **_ANEW),
    Row("h264", ".ts", _clip(), **_ANEW),
    Row("mpeg4 mp3", ".avi", _clip(codec="mpeg4", bframes=0, audio="libmp3lame"), **_ANEW),
    Row(
        "h264 interlaced",
        ".mp4",
        _clip(size=(160, 96), codec_options=_x264("tff=1")),
        video=Promise.REENCODED,
        reason="interlaced",
    ),
    Row("h264 two descriptions", ".mp4", _joined, video=Promise.REENCODED),
    Row(
        "ffv1 flac",
        ".mkv",
        _clip(codec="ffv1", audio="flac"),
        video=Promise.REENCODED,
        audio=Promise.EXACT,
    ),
]
SOUNDS = [
    Row("aac noise", ".mp4", _clip(sound=_noise()), noisy=True),
    Row("aac mono 44100", ".mp4", _clip(channels=1, rate=44100)),
    *(Row(f"aac {count} channels", ".mp4", _clip(channels=count)) for count in (3, 4, 5, 6, 8)),
    Row("flac", ".mp4", _clip(audio="flac"), audio=Promise.EXACT),
    Row("flac", ".mkv", _clip(audio="flac"), audio=Promise.EXACT),
    Row("alac", ".mp4", _clip(audio="alac"), audio=Promise.EXACT),
    Row("alac 5.1", ".mov", _clip(audio="alac", channels=6), audio=Promise.EXACT),
    *(
        Row(f"{name}", ".mov", _clip(audio=name), audio=Promise.EXACT)
        for name in ("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le")
    ),
    Row("pcm_s16le", ".mkv", _clip(audio="pcm_s16le"), audio=Promise.EXACT),
    Row("opus", ".mp4", _clip(audio="libopus")),
    Row("opus 5.1", ".mkv", _clip(audio="libopus", channels=6)),
    Row("ac3", ".mp4", _clip(audio="ac3")),
    Row("ac3 5.1", ".mkv", _clip(audio="ac3", channels=6)),
    Row("mp3", ".mp4", _clip(audio="libmp3lame"), audio=Promise.REENCODED),
    Row(
        "vorbis",
        ".mkv",
        _clip(audio="vorbis", prepare=_experimental),
        audio=Promise.REENCODED,
        audio_codec="aac",
    ),
]
ROWS: dict[str, Row] = {
    f"{row.name} {row.ending[1:]}": row for row in (*H264, *HEVC, *OTHERS, *ANEW, *SOUNDS)
}
"""All rows by their names, container included."""
