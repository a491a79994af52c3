"""``/docs`` for people, ``/openapi.json`` for programs; both need no key and no network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from retake.api.answer import Json
from retake.api.errors import Refusal
from retake.api.manual.shelf import folder

_KEPT = {"Cache-Control": "no-cache"}


def manual_routes(prefix: str) -> APIRouter:
    """Return the routes; `prefix` is what stands before the paths of the request queue."""
    routes = APIRouter()

    @cache
    def written(name: str) -> str | None:
        # Nobody reads while the server starts: what makes the pages is loaded for the first.
        from retake.api.manual.site import site

        return site(name, prefix)

    @routes.api_route("/openapi.json", methods=["GET", "HEAD"])
    async def document() -> Json:
        from retake.api.openapi import openapi_document

        return Json(openapi_document(prefix), headers=_KEPT)

    @routes.api_route("/docs/manual.css", methods=["GET", "HEAD"])
    async def style() -> FileResponse:
        path = Path(__file__).with_name("manual.css")
        return FileResponse(path, media_type="text/css; charset=utf-8", headers=_KEPT)

    @routes.api_route("/docs/images/{name}", methods=["GET", "HEAD"])
    async def picture(name: str) -> FileResponse:
        known = {path.name: path for path in (folder() / "images").iterdir()}
        if name not in known:
            raise Refusal("unknown_path", f"there is no picture {name[:80]!a} in the docs")
        return FileResponse(known[name], headers=_KEPT)

    @routes.api_route("/docs", methods=["GET", "HEAD"])
    @routes.api_route("/docs/{name:path}", methods=["GET", "HEAD"])
    async def manual(name: str = "") -> Response:
        # Others write into links what ours say by .md.
        text = written(name.strip("/").removesuffix(".md")) if len(name) <= 200 else None
        if text is None:
            raise Refusal("unknown_path", f"the docs have no page {name[:80]!a}; see /docs")
        return Response(text, media_type="text/html", headers=_KEPT)

    return routes
