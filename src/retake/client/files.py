"""Files that went to a server, or came from one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from retake.client import notebook
from retake.client.reading import Raw, nothing
from retake.client.results import Request


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded video: `url` is to be used as ``video_uri``, until `expires_at` (Unix time)."""

    url: str
    size: int
    expires_at: int | None = None
    raw: Raw = field(default_factory=nothing, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class File:
    """A downloaded file: at `path`, or in memory as `content`; `sha256` is in hexadecimal."""

    url: str = field(repr=False)
    size: int
    sha256: str
    media_type: str | None = None
    path: Path | None = None
    content: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Return all of it."""
        if self.content is not None:
            return self.content
        return b"" if self.path is None else self.path.read_bytes()

    def _repr_html_(self) -> str:
        return notebook.file_html(self)


@dataclass(frozen=True, slots=True)
class Result:
    """What `retake` gives: the request's record and its video."""

    request: Request
    file: File

    @property
    def path(self) -> Path | None:
        """Where the video lies; None when it is in memory."""
        return self.file.path

    def _repr_html_(self) -> str:
        return notebook.file_html(self.file) + notebook.request_html(self.request)
