"""One try: a message goes to a URL that a stranger has named, guarded and bounded."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import anyio
import httpx

from retake.core.errors import FetchFailed
from retake.queue.webhooks import Attempt
from retake.steps.fetch.answer import failed, timed_out
from retake.steps.fetch.reach import reach
from retake.steps.fetch.resolve import Resolver
from retake.steps.fetch.url import check_url
from retake.steps.notify.retries import retry_after

PARAM = "url"
_READ_BYTES = 4096
_READ_S = 1.0
_KEPT = 500


@dataclass(frozen=True, slots=True)
class Posted:
    """How a try went, and for how many seconds the other side wants to be left alone, if so."""

    attempt: Attempt
    retry_after_s: int | None = None


@cache
def _prepared() -> ssl.SSLContext:
    """Load what the first try needs, and return whom TLS trusts; takes 0.2 s."""
    # httpx goes through anyio, which loads the half that it needs when it is first used.
    anyio.run(anyio.sleep, 0)
    return httpx.create_ssl_context()


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    at: int,
    timeout_s: float,
    allow_private: bool,
    resolve: Resolver,
) -> Posted:
    """Send a message once; whatever goes wrong is in what is returned.

    Redirects are not followed, and no more of the answer is read than a few kilobytes.

    Args:
        url: Where it goes.
        body: The message.
        headers: Those that go out.
        at: When this try is made, in Unix time.
        timeout_s: How long it may take until a status comes, in seconds.
        allow_private: Whether private and loopback addresses may be reached.
        resolve: Turns a host name into addresses; every one is checked, in every try.
    """
    tls = await asyncio.to_thread(_prepared)
    begun = time.monotonic()

    def attempt(status: int | None, code: str | None, error: str | None, text: str = "") -> Attempt:
        return Attempt(at, round((time.monotonic() - begun) * 1000), status, code, error, text)

    try:
        checked = check_url(url, allow_private=allow_private, param=PARAM)
        async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=timeout_s) as client:
            async with asyncio.timeout(timeout_s):
                answer = await reach(
                    client,
                    "POST",
                    checked,
                    # One try, one connection: nobody has to keep it.
                    headers={**headers, "Connection": "close"},
                    allow_private=allow_private,
                    connect_s=timeout_s,
                    resolve=resolve,
                    content=body,
                    param=PARAM,
                )
            text = await _beginning(answer)
    except TimeoutError:
        error = timed_out(f"no answer came within {timeout_s:g} s", PARAM)
        return Posted(attempt(None, error.code, error.message))
    except httpx.HTTPError as raised:
        error = failed(httpx.URL(url).host, raised, PARAM)
        return Posted(attempt(None, error.code, error.message))
    except FetchFailed as error:
        return Posted(attempt(None, error.code, error.message))
    status = answer.status_code
    if answer.is_success:
        return Posted(attempt(status, None, None, text))
    said = f"it answered {status}{', a redirect, which is not followed' * answer.is_redirect}"
    message = f"{said}; accepted is 200 to 299"
    asked_s = retry_after(answer.headers.get("retry-after"), at)
    return Posted(attempt(status, f"http_{status}", message, text), asked_s)


async def _beginning(answer: httpx.Response) -> str:
    """Return the beginning of the answer's body, as far as it came.

    The status has come by now, and with it the decision: what happens to the body changes nothing.
    """
    body = bytearray()
    try:
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_READ_S):
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) >= _READ_BYTES:
                        break
    finally:
        await answer.aclose()
    return bytes(body[:_READ_BYTES]).decode("utf-8", "replace")[:_KEPT]
