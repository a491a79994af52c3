"""The page at ``/``: the built files in retake/web, served as they are."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

import retake.web

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


def page_routes(folder: Path | None = None) -> APIRouter:
    """Return one route for each file of the page; ``index.html`` answers ``/``.

    A catch-all would answer for every path, and hide that another verb exists there.
    """
    folder = folder or Path(retake.web.__file__).parent
    routes = APIRouter()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in _TYPES:
            name = file.relative_to(folder).as_posix()
            path = "/" if name == "index.html" else f"/{name}"
            routes.add_api_route(path, _sender(file), methods=["GET", "HEAD"], name=name)
    return routes


def _sender(file: Path):  # noqa: ANN202 - an endpoint, of no type that says more
    async def send() -> FileResponse:
        # The browser asks each time whether the file changed: an update shows at once.
        return FileResponse(
            file, media_type=_TYPES[file.suffix], headers={"Cache-Control": "no-cache"}
        )

    return send
