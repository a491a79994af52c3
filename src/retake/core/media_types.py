"""Media types (RFC 6838) by the endings of file names."""

from __future__ import annotations

from pathlib import PurePath

_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ts": "video/mp2t",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".flv": "video/x-flv",
    ".ogv": "video/ogg",
    ".3gp": "video/3gpp",
    ".mxf": "application/mxf",
    ".m4a": "audio/mp4",
    ".weba": "audio/webm",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".mka": "audio/x-matroska",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".json": "application/json",
}


def media_type(name: str) -> str:
    """Return the media type of a file of that name."""
    return _TYPES.get(PurePath(name).suffix.lower(), "application/octet-stream")
