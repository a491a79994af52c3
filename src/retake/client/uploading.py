"""Bringing a video to the server: an upload URL is asked for, then the file is PUT there."""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from retake.client.asking import ask, error_of, send
from retake.client.effects import Body, Call, Flow, Readable, Work
from retake.client.errors import NotFound, RetakeAPIError
from retake.client.files import Upload
from retake.client.reading import Raw, a_text, a_whole, an_object
from retake.client.server import Server
from retake.core.errors import BadRequest, BadSource

Source = str | Path | bytes | BinaryIO
"""A video: a path, its bytes, or an open file that can be rewound."""

_ANSWER_S = 180.0
"""How long a server may take to have a large file on its disk, in seconds."""
_EXPIRED = frozenset({401, 403, 410})


def is_url(source: object) -> bool:
    """Return whether a source is an address that the server fetches by itself."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://", "data:"))


def upload(
    server: Server,
    source: Source,
    *,
    file_type: str | None = None,
    sent: Callable[[int, int], None] | None = None,
) -> Flow[Upload]:
    """Upload a video and return the URL that names it as a ``video_uri``.

    Args:
        server: Where to.
        source: The video.
        file_type: Its ending, such as ``mov``; by its name, else ``mp4``, when None.
        sent: Called as ``sent(bytes_sent, bytes_in_all)``, maybe from another thread.

    Raises:
        BadSource: There is no such file, or it cannot be read.
        RetakeAPIError: The server takes no uploads (``no_uploads``), or not this one.
    """
    body: Body = yield Work(lambda: _body(source, sent))
    kind = file_type or _file_type(source)
    for last in (False, True):
        urls = yield from _upload_urls(server, kind)
        upload_url, public_url = a_text(urls.get("upload_url")), a_text(urls.get("public_url"))
        if upload_url is None or public_url is None:
            raise RetakeAPIError("no_uploads", "the server gave no URL to upload to", raw=urls)
        given = {str(k): str(v) for k, v in an_object(urls.get("required_headers")).items()}
        media_type = mimetypes.types_map.get(f".{kind}", "video/mp4")
        headers = {
            **server.headers(upload_url),
            "Content-Type": media_type,
            **given,
            "Content-Length": str(body.size),
        }
        call = Call("PUT", upload_url, headers, body, _ANSWER_S)
        # The same file may be PUT to the same URL again.
        answer = yield from send(server, call, safe=True)
        if answer.status < 300:
            return Upload(public_url, body.size, a_whole(urls.get("expires_at")), urls)
        if last or answer.status not in _EXPIRED:
            raise error_of(answer)
    raise AssertionError("the second attempt ends above")


def _upload_urls(server: Server, kind: str) -> Flow[Raw]:
    try:
        answer = yield from ask(
            server, "POST", "/upload-url", body={"file_type": kind}, repeatable=True
        )
    except RetakeAPIError as error:
        if not isinstance(error, NotFound) and error.status not in {405, 501}:
            raise
        raise RetakeAPIError(
            "no_uploads",
            "this server takes no uploads; put the video where it can be fetched from, and give "
            "its http(s) URL",
            status=error.status,
            raw=error.raw,
        ) from error
    return answer.json()


def _file_type(source: Source) -> str:
    name = str(source if isinstance(source, str | Path) else getattr(source, "name", ""))
    return Path(name).suffix.lower().removeprefix(".") or "mp4"


def _body(source: Source, sent: Callable[[int, int], None] | None) -> Body:
    opener, size = _opened(source)
    if size == 0:
        raise BadSource("empty", "the video is empty", param="video_uri")

    def told(done: int) -> None:
        if sent is not None:
            sent(done, size)

    return Body(opener, size, told)


def _opened(source: Source) -> tuple[Callable[[], Readable], int]:
    if isinstance(source, bytes):
        return lambda: io.BytesIO(source), len(source)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        try:
            with path.open("rb") as file:
                return lambda: path.open("rb"), file.seek(0, io.SEEK_END)
        except FileNotFoundError:
            code, what = "not_found", "does not exist"
        except IsADirectoryError:
            code, what = "is_directory", "is a folder"
        except OSError as error:
            code, what = "no_permission", f"cannot be read: {error.strerror}"
        raise BadSource(
            code,
            f"{str(source)[:200]!r} {what}; accepted is a video file or an http(s) URL",
            param="video_uri",
        )
    if not source.seekable():
        raise BadRequest(
            "not_seekable",
            "the open file cannot be rewound; accepted is a path, bytes, or a file on a disk",
            param="video_uri",
        )
    start = source.tell()
    size = source.seek(0, io.SEEK_END) - start
    source.seek(start)

    def rewound() -> Readable:
        source.seek(start)
        # It is the caller's file: whoever sends it must not close it.
        return _Lent(source)

    return rewound, size


class _Lent:
    """Somebody else's file: reads from it, does not close it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        return self._file.read(size)

    def close(self) -> None:
        """Leave it open."""
