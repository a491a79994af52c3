"""The media types of stored files, by their endings."""

from __future__ import annotations

from pathlib import PurePosixPath

_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ts": "video/mp2t",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".flv": "video/x-flv",
    ".m4a": "audio/mp4",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".json": "application/json",
}


def media_type(name: str) -> str:
    """Return the media type of a stored file."""
    return _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
