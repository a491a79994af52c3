"""Whether the server lives, and whether it can work: for people, load balancers, orchestrators."""

from __future__ import annotations

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.errors import Refusal
from retake.api.parts import parts_of

routes = APIRouter()


@routes.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz(request: Request) -> Json:
    """Tell that the server answers, and whether its engine is ready to work."""
    ready = parts_of(request).ready()
    return Json({"status": "ok", "engine": "ready" if ready else "starting"})


@routes.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request) -> Json:
    """Tell that requests are worked on; in a fleet, that they are accepted.

    A fleet's workers may all have been sent home. They come back for requests that wait, so there
    has to be a server that takes these: `engine` says ``starting`` then.

    Raises:
        Refusal: The engine is not ready, the fleet's database is not heard, or the server is
            stopping (503): requests are accepted and kept, or not even that, but not worked on now.
    """
    parts = parts_of(request)
    if parts.requests.stopping:
        raise Refusal("stopping", "the server is stopping", retryable=True)
    ready = parts.ready()
    if not (ready if parts.open is None else parts.open()):
        what = "the engine is not ready yet" if parts.open is None else "the database is not heard"
        raise Refusal("engine_starting", what, retryable=True)
    return Json({"status": "ready", "engine": "ready" if ready else "starting"})
