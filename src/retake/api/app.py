"""The HTTP application: every route, every error, every header, put together from its parts."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request

import retake
from retake.api import errors, events, files, listing, models, requests, uploads
from retake.api.answer import Json
from retake.api.headers import Headers
from retake.api.page import page_routes
from retake.api.parts import ApiParts, parts_of

PREFIXES = ("/api/v1/ie/requestqueue/apikey", "/api/v1/ie/requestqueue")
"""The documented prefix, and the one that the published client uses."""

_health = APIRouter()


def create_app(parts: ApiParts) -> FastAPI:
    """Return the application that answers with these parts."""
    app = FastAPI(
        title="retake",
        version=retake.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    errors.install(app)
    app.add_middleware(Headers, base_url=parts.base_url)
    for prefix in PREFIXES:
        for part in (events, listing, requests, models, uploads):
            app.include_router(part.routes, prefix=prefix)
    app.include_router(files.routes)
    app.include_router(_health)
    app.include_router(page_routes())
    return app


@_health.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz(request: Request) -> Json:
    """Tell that the server answers, and whether its engine is ready to work."""
    ready = parts_of(request).ready()
    return Json({"status": "ok", "engine": "ready" if ready else "starting"})
