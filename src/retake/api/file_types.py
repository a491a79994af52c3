"""Which kinds of files may be uploaded, and by what names clients call them."""

from __future__ import annotations

from retake.core.errors import BadRequest

FILE_TYPES = ("mp4", "mov", "m4v", "webm", "mkv", "avi", "ts", "mpg", "mpeg", "mxf", "ogv", "3gp")
_SUBTYPES = {
    "quicktime": "mov",
    "x-matroska": "mkv",
    "matroska": "mkv",
    "x-msvideo": "avi",
    "mp2t": "ts",
    "x-m4v": "m4v",
    "ogg": "ogv",
    "3gpp": "3gp",
}


def file_type(value: object) -> str:
    """Return the ending for a file's type as a client tells it: ``mp4``, ``.mp4``, ``video/mp4``.

    Raises:
        BadRequest: It is no type of videos (``unknown_file_type``).
    """
    found = _known(value) if isinstance(value, str) else None
    if found is not None:
        return found
    raise BadRequest(
        "unknown_file_type",
        f"file_type is {str(value)[:40]!r}; accepted is one of {', '.join(FILE_TYPES)}",
        param="file_type",
    )


def type_of(name: str | None, content_type: str) -> str:
    """Return the ending for a file of some name and content type; ``mp4`` where neither tells.

    What it really is its bytes tell: nothing is refused by its name.
    """
    by_name = (name or "").rpartition(".")[2]
    by_type = content_type.partition(";")[0].strip()
    return _known(by_name) or _known(by_type) or "mp4"


def _known(text: str) -> str | None:
    plain = text.lower().removeprefix("video/").removeprefix(".")
    found = _SUBTYPES.get(plain, plain)
    return found if found in FILE_TYPES else None
