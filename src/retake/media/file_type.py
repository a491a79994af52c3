"""What kind of file it is: FFmpeg has one demuxer for MP4 and MOV, and one for MKV and WebM."""

from __future__ import annotations

from pathlib import Path

_BY_DEMUXER = {"avi": "avi", "mpegts": "ts", "mpeg": "mpg", "flv": "flv", "ogg": "ogg"}
_HEAD_BYTES = 64


def file_type_of(path: Path, demuxer: str) -> str:
    """Return our name of a file's container; see `Source.file_type`.

    Args:
        path: A readable media file.
        demuxer: FFmpeg's name of what reads it.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if demuxer.startswith("matroska"):
        # The document type stands among the first elements (RFC 8794, 11.2.5).
        return "webm" if b"\x42\x82\x84webm" in head else "mkv"
    if demuxer.startswith("mov"):
        # A file without a box that names its brand is older than MP4: it is QuickTime's.
        branded = head[4:8] == b"ftyp"
        return "mov" if head[8:12] == b"qt  " or not branded else "mp4"
    return _BY_DEMUXER.get(demuxer, "mkv")
