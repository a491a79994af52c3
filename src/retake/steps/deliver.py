"""Deliver: results are PUT at URLs of the user's own storage, again and again until it takes them.

It is the last step: by then the results are here. What cannot be delivered is told, and changes
nothing of the request's success.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import httpx

from retake.core.delivery import PARAM, Delivery, Put
from retake.core.errors import Cancelled, FetchFailed
from retake.core.media_types import media_type
from retake.core.watch import Watch
from retake.steps.fetch import FetchPolicy, check_url
from retake.steps.fetch.answer import failed, timed_out
from retake.steps.fetch.reach import reach
from retake.steps.fetch.resolve import Resolver, system_resolver
from retake.steps.fetch.url import bad_url

T = TypeVar("T")

WAITS_S = (1.0, 3.0, 9.0)
"""How long is waited between tries, in seconds."""

_PIECE = 256 * 1024
_CANCEL_POLL_S = 0.1
_REDIRECTS = frozenset({307, 308})
"""Those after which the same is sent once more."""
_MAX_REDIRECTS = 3
_WORTH_A_RETRY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Delivered:
    """How one result fared.

    Attributes:
        role: Which.
        url: Where it was to go, without what is secret.
        ok: Whether it is there.
        tries: How often it was tried.
        code: What went wrong the last time, for programs; None when all is well.
        error: The same in words.
    """

    role: str
    url: str
    ok: bool
    tries: int
    code: str | None = None
    error: str | None = None


def deliver(
    delivery: Delivery,
    files: Mapping[str, Path],
    policy: FetchPolicy,
    watch: Watch,
    *,
    waits_s: Sequence[float] = WAITS_S,
    resolve: Resolver = system_resolver,
) -> list[Delivered]:
    """Send results to where they were asked to be; return how each fared.

    Blocks; call it on a thread that runs no event loop.

    Args:
        delivery: What goes where.
        files: The results by role.
        policy: What a connection may do; its `total_s` bounds each try.
        watch: A wish to cancel is felt within 0.1 s.
        waits_s: How long is waited between tries.
        resolve: Turns a host name into addresses; every one is checked.

    Raises:
        Cancelled: `watch` was cancelled.
    """
    sender = _Sender(policy, waits_s, resolve)
    return asyncio.run(_until_cancelled(sender.all_of(delivery, files), watch))


async def _until_cancelled(work: Coroutine[Any, Any, T], watch: Watch) -> T:
    task = asyncio.create_task(work)
    while not task.done():
        await asyncio.wait([task], timeout=_CANCEL_POLL_S)
        if watch.cancelled() and not task.done():
            task.cancel()
            await asyncio.wait([task])
            raise Cancelled
    return task.result()


class _Sender:
    """Sends files, all at the same time: one that is not taken keeps no other waiting."""

    def __init__(self, policy: FetchPolicy, waits_s: Sequence[float], resolve: Resolver) -> None:
        self._policy = policy
        self._waits_s = waits_s
        self._resolve = resolve

    async def all_of(self, delivery: Delivery, files: Mapping[str, Path]) -> list[Delivered]:
        """Send every file; return how each fared."""
        return await asyncio.gather(*(self._one(p, files.get(p.role)) for p in delivery.puts))

    async def _one(self, put: Put, file: Path | None) -> Delivered:
        told = Delivered(put.role, put.shown, ok=False, tries=0)
        if file is None:
            missing = f"there is no {put.role} of this result"
            return replace(told, code="no_such_result", error=missing)
        for wait_s in (*self._waits_s, None):
            told = replace(told, tries=told.tries + 1)
            try:
                await self._send(put, file)
                return replace(told, ok=True, code=None, error=None)
            except FetchFailed as error:
                told = replace(told, code=error.code, error=error.message)
                if wait_s is None or not error.retryable:
                    break
            await asyncio.sleep(wait_s)
        return told

    async def _send(self, put: Put, file: Path) -> None:
        total_s = self._policy.total_s
        try:
            async with asyncio.timeout(total_s):
                await self._follow(put, file)
        except TimeoutError:
            raise timed_out(f"the file was not taken within {total_s:g} s", PARAM) from None

    async def _follow(self, put: Put, file: Path) -> None:
        url = check_url(put.url, allow_private=self._policy.allow_private, param=PARAM)
        for _ in range(_MAX_REDIRECTS + 1):
            status, target = await self._put(url, put, file)
            if status not in _REDIRECTS or target is None:
                _check_status(status, url.host)
                return
            try:
                joined = str(url.join(target))
            except (httpx.InvalidURL, ValueError):
                raise bad_url(f"{PARAM} redirects to {target[:80]!r}", PARAM) from None
            url = check_url(joined, allow_private=self._policy.allow_private, param=PARAM)
        raise FetchFailed(
            "too_many_redirects",
            f"{PARAM} redirects more than {_MAX_REDIRECTS} times",
            param=PARAM,
        )

    async def _put(self, url: httpx.URL, put: Put, file: Path) -> tuple[int, str | None]:
        policy = self._policy
        timeout = httpx.Timeout(policy.stall_s, connect=policy.connect_s)
        tls: Any = httpx.create_ssl_context() if url.scheme == "https" else _no_tls()
        async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=timeout) as client:
            with file.open("rb") as stream:
                try:
                    answer = await reach(
                        client,
                        "PUT",
                        url,
                        headers=_headers(put, file),
                        allow_private=policy.allow_private,
                        connect_s=policy.connect_s,
                        resolve=self._resolve,
                        content=_pieces(stream),
                        param=PARAM,
                    )
                    await answer.aclose()
                except httpx.HTTPError as error:
                    raise failed(url.host, error, PARAM) from error
        return answer.status_code, answer.headers.get("location")


def _headers(put: Put, file: Path) -> dict[str, str]:
    ours = {
        "User-Agent": "retake/0.1 (delivery)",
        "Content-Type": media_type(file.name),
        # Storages take no chunks.
        "Content-Length": str(file.stat().st_size),
    }
    named = {name.lower() for name in put.headers}
    return {name: text for name, text in ours.items() if name.lower() not in named} | dict(
        put.headers
    )


async def _pieces(stream: BinaryIO) -> AsyncGenerator[bytes]:
    while piece := await asyncio.to_thread(stream.read, _PIECE):
        yield piece


def _check_status(status: int, host: str) -> None:
    if 200 <= status < 300:
        return
    raise FetchFailed(
        f"http_{status}",
        f"{PARAM}: {host[:100]} answered {status}; the file was not taken",
        param=PARAM,
        retryable=status in _WORTH_A_RETRY,
    )


def _no_tls() -> ssl.SSLContext:
    # Loading the authorities takes 0.1 s; a context without any trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
