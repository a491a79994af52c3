"""Reaching a host that a stranger has named, at an address that was checked and at no other.

A pool of connections would take one that was made for another name at the same address, and with
it that name's certificate: each client is for one URL only.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, Mapping

import httpx

from retake.steps.fetch.address import Address
from retake.steps.fetch.resolve import Resolver, checked_addresses

_MAX_ADDRESSES = 4
"""So many of a host's addresses are tried."""
_PORTS = {"http": 80, "https": 443}


async def reach(
    client: httpx.AsyncClient,
    method: str,
    url: httpx.URL,
    *,
    headers: Mapping[str, str],
    allow_private: bool,
    connect_s: float,
    resolve: Resolver,
    content: bytes | AsyncIterable[bytes] | None = None,
    param: str = "video_uri",
) -> httpx.Response:
    """Send a request to a checked address of the URL's host; return the head of the answer.

    Args:
        client: Made for this URL, without the environment's proxies: they would connect for us,
            to addresses that we could not check.
        method: The verb.
        url: What `check_url` returned.
        headers: Those that go out; Host is added.
        allow_private: Whether private and loopback addresses may be reached.
        connect_s: Time-out for resolving the name, in seconds; that for connecting is the client's.
        resolve: Turns a host name into addresses.
        content: The body, if there is one.
        param: What errors call the URL.

    Raises:
        FetchFailed: The name does not resolve (``dns``), or may not be reached
            (``blocked_address``).
        httpx.HTTPError: The host cannot be reached, or does not answer.
    """
    host = url.raw_host.decode("ascii")
    addresses = await checked_addresses(
        host,
        url.port or _PORTS[url.scheme],
        allow_private=allow_private,
        resolve=resolve,
        timeout_s=connect_s,
        param=param,
    )

    async def send(address: Address) -> httpx.Response:
        # The URL names the checked address, so nothing is resolved again; the name goes where it
        # is still needed: into Host and into TLS, which verifies the certificate against it.
        request = client.build_request(
            method,
            url.copy_with(host=str(address)),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            content=content,
            extensions={"sni_hostname": host.rstrip(".")},
        )
        return await client.send(request, stream=True)

    *others, last = addresses[:_MAX_ADDRESSES]
    for address in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return await send(address)
    return await send(last)
