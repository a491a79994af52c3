"""``GET /metrics``: for whoever runs the server, and nobody else.

They tell of no key's content, but of how much goes on here. So they are given to who asks from this
machine itself, or with the token of RETAKE_METRICS_TOKEN, where that is set.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress

from fastapi import APIRouter, Request, Response

from retake.api.errors import Refusal
from retake.api.parts import parts_of
from retake.telemetry.metrics import CONTENT_TYPE

# A proxy on this machine passes on calls from elsewhere, and says so by one of these.
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

routes = APIRouter()


@routes.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return all metrics in Prometheus' text format.

    Raises:
        Refusal: They are not for the caller (``metrics_forbidden``, 403).
    """
    parts = parts_of(request)
    if parts.metrics_token is None:
        allowed = _from_here(request)
    else:
        sent = request.headers.get("authorization", "").encode()
        allowed = hmac.compare_digest(sent, f"Bearer {parts.metrics_token}".encode())
    if not allowed:
        raise Refusal(
            "metrics_forbidden",
            "the metrics are for who runs this server; accepted are calls from its own machine, or "
            "with RETAKE_METRICS_TOKEN set the header 'Authorization: Bearer TOKEN'",
        )
    # What is on the disk is looked at, too.
    text = await asyncio.to_thread(parts.metrics.exposition)
    return Response(text, media_type=CONTENT_TYPE)


def _from_here(request: Request) -> bool:
    """Return whether who asks is a process of this machine, on its own behalf."""
    if request.client is None or any(name in request.headers for name in _PASSED_ON):
        return False
    try:
        return (
            ipaddress.ip_address(request.client.host).is_loopback
            # A name that is not this machine's: a web page that had it point here.
            and _is_loopback_name(request.url.hostname or "")
        )
    except ValueError:
        return False


def _is_loopback_name(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback
