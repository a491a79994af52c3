"""A server that speaks as much of the hub's HTTP API as huggingface_hub asks for.

It serves one repository from a folder. Faults can be ordered: a gate, connections that are cut,
bytes that are not the promised ones.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_letmein"
LARGE = ".safetensors"


class Hub:
    """One repository, its faults, and what was asked of it.

    Args:
        folder: What it holds.
        repository: Its name.
    """

    def __init__(self, folder: Path, repository: str) -> None:
        self.folder = folder
        self.repository = repository
        self.commit = COMMIT
        self.gated = False
        self.members: set[str] = set()
        self.cut_after: dict[str, list[int]] = {}
        self.stall_after: dict[str, int] = {}
        self.stalled = threading.Event()
        self.wrong: set[str] = set()
        self.broken = 0
        self.asked: list[tuple[str, str, int]] = []
        self.url = ""

    def fetched(self) -> list[tuple[str, int]]:
        """Return which files were sent, each with the byte that it began at."""
        return [(path, start) for method, path, start in self.asked if method == "GET"]


@contextmanager
def serve(hub: Hub) -> Generator[Hub]:
    """Let `hub` answer on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Answers,), {"hub": hub}))
    server.daemon_threads = True
    # Clients hang up in the middle; that is what some tests are about.
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.stalled.set()
        server.shutdown()
        server.server_close()


class _Answers(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        if hub.broken:
            hub.broken -= 1
            return self._json(503, {"error": "down"})
        api, resolve = f"/api/models/{hub.repository}", f"/{hub.repository}/resolve/"
        if not path.startswith((api, resolve)):
            return self._json(404, {"error": "gone"}, {"X-Error-Code": "RepoNotFound"})
        if path.startswith(f"{api}/tree/"):
            return self._json(200, [_listed(hub.folder, one) for one in _files(hub.folder)])
        if path.startswith(api):
            known = path == api or path.rsplit("/", 1)[1] in ("main", hub.commit)
            if not known:
                return self._json(404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound"})
            return self._json(200, {"id": hub.repository, "sha": hub.commit, "siblings": []})
        return self._file(path.removeprefix(resolve).partition("/")[2], body=body)

    def _file(self, name: str, *, body: bool) -> None:
        hub = self.hub
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if hub.gated and given not in hub.members:
            status = 403 if given else 401
            return self._json(status, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
        file = hub.folder / name
        if not file.is_file():
            return self._json(404, {"error": "no entry"}, {"X-Error-Code": "EntryNotFound"})
        whole = file.read_bytes()
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        hub.asked.append(("GET" if body else "HEAD", name, start))
        self.send_response(206 if found else 200)
        self.send_header("ETag", f'"{_etag(name, whole)}"')
        self.send_header("X-Repo-Commit", hub.commit)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(whole) - start))
        if found:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.end_headers()
        if not body:
            return None
        sent = bytes(len(whole)) if name in hub.wrong else whole
        cuts = hub.cut_after.get(name)
        if cuts:
            self.wfile.write(sent[start : start + cuts.pop(0)])
            self.close_connection = True
            return None
        if stall := hub.stall_after.pop(name, 0):
            self.wfile.write(sent[start : start + stall])
            self.wfile.flush()
            # What follows never comes: whoever waits for it is killed.
            hub.stalled.wait(30)
            self.close_connection = True
            return None
        self.wfile.write(sent[start:])
        return None

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        for name, one in (headers or {}).items():
            self.send_header(name, one)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def _listed(folder: Path, name: str) -> dict[str, Any]:
    whole = (folder / name).read_bytes()
    told: dict[str, Any] = {"type": "file", "path": name, "size": len(whole), "oid": _blob(whole)}
    if name.endswith(LARGE):
        digest = hashlib.sha256(whole).hexdigest()
        told["lfs"] = {"oid": digest, "size": len(whole), "pointerSize": 130}
    return told


def _etag(name: str, whole: bytes) -> str:
    return hashlib.sha256(whole).hexdigest() if name.endswith(LARGE) else _blob(whole)


def _blob(whole: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(whole) + whole).hexdigest()
