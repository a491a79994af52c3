"""The containers that can be written, and which codecs each of them holds. Facts, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Container:
    """A file format for streams.

    Attributes:
        title: What people call it.
        ending: Of file names.
        video: FFmpeg's names of the codecs of pictures that players expect in it; the first one
            is the choice where nothing else is asked for.
        audio: The same for sound.
    """

    title: str
    ending: str
    video: tuple[str, ...]
    audio: tuple[str, ...]


_LINEAR = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8")
_BIG_ENDIAN = ("pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be")
_TELEPHONE = ("pcm_alaw", "pcm_mulaw")
_MPEG_AUDIO = ("mp2", "mp3")

CONTAINERS: Mapping[str, Container] = {
    "mp4": Container(
        "MP4",
        ".mp4",
        ("h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg"),
        ("aac", "opus", "flac", "alac", "ac3", "eac3", *_MPEG_AUDIO, "vorbis", "dts"),
    ),
    "mov": Container(
        "QuickTime",
        ".mov",
        (
            *("h264", "hevc", "prores", "dnxhd", "mjpeg", "mpeg4", "mpeg2video", "mpeg1video"),
            *("png", "qtrle", "dvvideo", "v210", "rawvideo"),
        ),
        (
            *("aac", "alac", *_LINEAR, *_BIG_ENDIAN, *_TELEPHONE, "ac3", "eac3", *_MPEG_AUDIO),
            "qdm2",
        ),
    ),
    "mkv": Container(
        "Matroska",
        ".mkv",
        (
            *("h264", "hevc", "av1", "vp9", "vp8", "prores", "dnxhd", "mpeg4", "mpeg2video"),
            *("mpeg1video", "mjpeg", "ffv1", "theora", "ffvhuff", "huffyuv", "utvideo", "png"),
            *("h263", "wmv1", "wmv2", "vc1", "msmpeg4v3", "cinepak", "svq3", "v210", "rawvideo"),
        ),
        (
            *("aac", "opus", "flac", "alac", "ac3", "eac3", *_MPEG_AUDIO, "vorbis", "dts"),
            *("truehd", *_LINEAR, *_BIG_ENDIAN, "wmav2"),
        ),
    ),
    "webm": Container("WebM", ".webm", ("vp9", "vp8", "av1"), ("opus", "vorbis")),
    "ts": Container(
        "MPEG-TS",
        ".ts",
        ("h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4"),
        ("aac", "ac3", "eac3", "mp2", "mp3", "dts", "opus"),
    ),
    "avi": Container(
        "AVI",
        ".avi",
        (
            *("mpeg4", "mjpeg", "mpeg2video", "mpeg1video", "ffv1", "huffyuv", "ffvhuff"),
            *("utvideo", "msmpeg4v3", "msmpeg4v2", "wmv2", "cinepak", "dvvideo", "rawvideo"),
        ),
        ("mp3", "ac3", "mp2", *_LINEAR, *_TELEPHONE, "adpcm_ms", "adpcm_ima_wav"),
    ),
    "mpg": Container("MPEG-PS", ".mpg", ("mpeg2video", "mpeg1video"), ("mp2", "ac3")),
    "flv": Container("FLV", ".flv", ("h264", "flv1"), ("aac", "mp3")),
}
"""By the name that a request has for it."""

ENDINGS: Mapping[str, str] = {home.ending: name for name, home in CONTAINERS.items()} | {
    ".m4v": "mp4",
    ".mpeg": "mpg",
}
"""What a file name's ending asks for."""

LIKE_ONLY = frozenset({"avi", "mpg", "flv"})
"""Older ones, which lose colours or times of what other containers hold: only their own kind comes
back in them."""

_LIKE: Mapping[str, str] = {"ogg": "webm"}

VIDEO_CODECS: Mapping[str, str] = {
    "h264": "H.264",
    "hevc": "HEVC",
    "av1": "AV1",
    "vp9": "VP9",
    "vp8": "VP8",
    "prores": "ProRes",
    "mpeg2video": "MPEG-2",
    "ffv1": "FFV1",
}
"""Codecs of pictures that a request may ask for: FFmpeg's names, and what people call them."""

AUDIO_CODECS: Mapping[str, str] = {
    "aac": "AAC",
    "opus": "Opus",
    "flac": "FLAC",
    "alac": "ALAC",
    "ac3": "AC-3",
    "mp3": "MP3",
    "mp2": "MP2",
    "pcm_s16le": "PCM, 16 bits",
    "pcm_s24le": "PCM, 24 bits",
}
"""Codecs of sound that a request may ask for."""


_OTHER_TITLES: Mapping[str, str] = {
    "mpeg4": "MPEG-4",
    "mpeg1video": "MPEG-1",
    "mjpeg": "Motion JPEG",
    "theora": "Theora",
    "vorbis": "Vorbis",
    "eac3": "E-AC-3",
    "dnxhd": "DNxHD",
}


def like(file_type: str) -> str:
    """Return the container in which the result of a source comes that is of some kind.

    Its own, but for Ogg, whose pictures nothing encodes well any more: WebM holds its sound.
    """
    return _LIKE.get(file_type, file_type)


def ending_of(container: str | None) -> str:
    """Return the ending of a container's file names; MP4's where none is named."""
    return CONTAINERS[container or "mp4"].ending


def file_title(file_type: str) -> str:
    """Return what people call a kind of file."""
    return CONTAINERS[file_type].title if file_type in CONTAINERS else file_type.capitalize()


def title_of(codec: str) -> str:
    """Return what people call a codec that FFmpeg calls so."""
    return VIDEO_CODECS.get(codec) or AUDIO_CODECS.get(codec) or _OTHER_TITLES.get(codec, codec)
