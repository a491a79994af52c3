"""The HTTP application: every route, every error, every header, put together from its parts."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

import retake
from retake.api import (
    agents,
    errors,
    events,
    files,
    health,
    listing,
    metrics,
    models,
    requests,
    results,
    uploads,
)
from retake.api.dialects import fal, fal_files, sign_in, vendor
from retake.api.express import Express
from retake.api.headers import Headers
from retake.api.manual.routes import manual_routes
from retake.api.page import page_routes
from retake.api.parts import ApiParts
from retake.api.watched import Watched
from retake.api.webhooks import deliveries, endpoints

PREFIXES = ("/api/v1/ie/requestqueue/apikey", "/api/v1/ie/requestqueue")
"""The documented prefix, and the one that the published client uses."""


def create_app(parts: ApiParts) -> ASGIApp:
    """Return the application that answers with these parts."""
    app = routed(parts)
    # Around FastAPI, not within it: the calls that Express answers never see the framework's own
    # layers, which cost as much as the answer.
    headed = Headers(Express(app, PREFIXES), parts.base_url)
    whole = Watched(headed, parts.metrics, parts.traces)
    app.router.routes.append(Route(agents.PATH, agents.Agents(whole), include_in_schema=False))
    return whole


def routed(parts: ApiParts) -> FastAPI:
    """Return every route, and what tells errors."""
    app = FastAPI(
        title="retake",
        version=retake.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Theirs would send the queries of signed URLs; `Watched` does it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.parts = parts
    errors.install(app)
    for prefix in PREFIXES:
        for part in (events, listing, requests, models, uploads, results, endpoints, deliveries):
            app.include_router(part.routes, prefix=prefix)
    for dialect in (sign_in, vendor, fal_files, fal):
        app.include_router(dialect.routes)
    app.include_router(files.routes)
    app.include_router(health.routes)
    app.include_router(metrics.routes)
    app.include_router(manual_routes(PREFIXES[0]))
    app.include_router(page_routes())
    return app
