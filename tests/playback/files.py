"""Handing out files as a web server does: in ranges, so that a player may seek."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/mp4"}
_PAGE = b"<!doctype html><title>player</title><video muted playsinline></video><canvas></canvas>"


@contextmanager
def served(folder: Path) -> Generator[str]:
    """Serve a folder, and an empty page with a player at `/`; yield the address."""

    class Handler(_Handler):
        root = folder

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    root: Path

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the page, with a file, or with a part of it."""
        if self.path == "/":
            self._answer(200, "text/html", _PAGE)
            return
        path = self.root / self.path.lstrip("/")
        if not path.is_file():
            self._answer(404, "text/plain", b"")
            return
        data, kind = path.read_bytes(), _TYPES[path.suffix]
        wanted = self.headers.get("Range")
        if wanted is None:
            self._answer(200, kind, data)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        begin, end = int(first), int(last) + 1 if last else len(data)
        self._answer(206, kind, data[begin:end], f"bytes {begin}-{end - 1}/{len(data)}")

    def _answer(self, status: int, kind: str, data: bytes, span: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            # A player that seeks hangs up on what it asked for before.
            self.close_connection = True
