"""From a host name to the addresses that may be connected to, decided once for each connection."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence

from retake.core.errors import FetchFailed
from retake.steps.fetch.address import Address, may_reach, parse_address
from retake.steps.fetch.url import blocked

Resolver = Callable[[str, int], Sequence[str]]
"""``resolve(host, port)`` returns addresses as texts, or raises OSError; it may block."""


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the operating system.

    Raises:
        OSError: The name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked_addresses(
    host: str,
    port: int,
    *,
    allow_private: bool,
    resolve: Resolver,
    timeout_s: float,
    param: str = "video_uri",
) -> list[Address]:
    """Return the addresses of `host`, every one of which may be reached.

    One address that may not be reached spoils them all: a name with both is no honest one.
    `param` is what errors call the URL that names the host.

    Raises:
        FetchFailed: The name does not resolve (code ``dns``), or may not be reached
            (``blocked_address``).
    """
    try:
        async with asyncio.timeout(timeout_s):
            found = await _on_a_thread(lambda: resolve(host, port))
    except TimeoutError:
        raise _unresolved(host, f"no answer within {timeout_s:g} s", param) from None
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no valid name"
        raise _unresolved(host, reason or "no such name", param) from None
    addresses = [parse_address(text) for text in found]
    known = [address for address in addresses if address is not None]
    if not known:
        raise _unresolved(host, "it has no address", param)
    if len(known) < len(addresses) or not all(
        may_reach(address, allow_private=allow_private) for address in known
    ):
        raise blocked(host, param)
    return known


def _unresolved(host: str, reason: str, param: str) -> FetchFailed:
    return FetchFailed(
        "dns",
        f"the host {host[:100]} of {param} does not resolve: {reason}",
        param=param,
        retryable=True,
    )


async def _on_a_thread(work: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Do blocking work on a daemon thread: a resolver that hangs must not keep us from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(result: Sequence[str] | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result or [])
        else:
            future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised again where it is awaited
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            return  # nobody waits any more: the loop is closed

    threading.Thread(target=run, name="resolve", daemon=True).start()
    return await future
