"""Downloading a video: guarded, bounded in size and time, and there whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import httpx

from retake.core.errors import Cancelled, FetchFailed
from retake.core.watch import Stage, Watch
from retake.steps.fetch.answer import (
    HEAD_BYTES,
    announced_length,
    check_answer,
    check_head,
    failed,
    timed_out,
    too_large,
)
from retake.steps.fetch.reach import reach
from retake.steps.fetch.resolve import Resolver, system_resolver
from retake.steps.fetch.url import bad_url, check_url
from retake.storage import storage_failed

_CANCEL_POLL_S = 0.1
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ASK = {
    "User-Agent": "retake/0.1 (video fetcher)",
    "Accept": "video/*, */*;q=0.5",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """What a download may do.

    Attributes:
        allow_private: Whether private and loopback addresses may be reached.
        max_bytes: Longest file.
        connect_s: Time-out for resolving a name and for connecting, in seconds each.
        stall_s: How long the sender may send nothing, in seconds.
        total_s: How long all of it may take, redirects included, in seconds.
        max_redirects: How many redirects are followed.
    """

    allow_private: bool = False
    max_bytes: int = 2 * 1024**3
    connect_s: float = 10.0
    stall_s: float = 20.0
    total_s: float = 600.0
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """A downloaded file: where it lies, its length in bytes and its SHA-256 in hexadecimal."""

    path: Path
    size: int
    sha256: str


def fetch(
    uri: str,
    dest: Path,
    policy: FetchPolicy,
    watch: Watch,
    *,
    resolve: Resolver = system_resolver,
) -> Fetched:
    """Bring the video at `uri` to `dest`, replacing what is there.

    Blocks; call it on a thread that runs no event loop. A wish to cancel is felt within 0.1 s.

    Args:
        uri: An http or https URL.
        dest: Where the file appears, whole or not at all.
        policy: What the download may do.
        watch: Progress in bytes goes out, a wish to cancel comes in.
        resolve: Turns a host name into addresses; every one is checked, and the connection goes
            to a checked one, so that a second answer for the same name changes nothing.

    Raises:
        FetchFailed: It cannot be brought here; `code` says why, `param` is video_uri.
        StorageFailed: It cannot be written.
        Cancelled: `watch` was cancelled.
    """
    download = _Download(policy, watch, resolve)
    return asyncio.run(download.run(uri, dest))


def _tls_context(scheme: str) -> ssl.SSLContext:
    if scheme == "https":
        return httpx.create_ssl_context()
    # Loading the authorities takes 0.1 s; a context without any trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Download:
    """One download, from its first URL through all redirects to the file."""

    def __init__(self, policy: FetchPolicy, watch: Watch, resolve: Resolver) -> None:
        self._policy = policy
        self._watch = watch
        self._resolve = resolve

    async def run(self, uri: str, dest: Path) -> Fetched:
        work = asyncio.create_task(self._within_time(uri, dest))
        while not work.done():
            await asyncio.wait([work], timeout=_CANCEL_POLL_S)
            if self._watch.cancelled() and not work.done():
                work.cancel()
                await asyncio.wait([work])
                raise Cancelled
        return work.result()

    async def _within_time(self, uri: str, dest: Path) -> Fetched:
        try:
            async with asyncio.timeout(self._policy.total_s):
                return await self._follow(uri, dest)
        except TimeoutError:
            total_s = self._policy.total_s
            raise timed_out(f"the download was not complete after {total_s:g} s") from None

    async def _follow(self, uri: str, dest: Path) -> Fetched:
        url = check_url(uri, allow_private=self._policy.allow_private)
        for _ in range(self._policy.max_redirects + 1):
            async with self._answer(url) as answer:
                if answer.status_code not in _REDIRECTS or "location" not in answer.headers:
                    check_answer(answer, url.host, self._policy.max_bytes)
                    return await self._store(answer, dest)
                target = answer.headers["location"]
            try:
                joined = str(url.join(target))
            except (httpx.InvalidURL, ValueError):
                raise bad_url(f"{url.host} redirects to {target[:80]!r}") from None
            url = check_url(joined, allow_private=self._policy.allow_private)
        raise FetchFailed(
            "too_many_redirects",
            f"video_uri redirects more than {self._policy.max_redirects} times",
            param="video_uri",
        )

    @asynccontextmanager
    async def _answer(self, url: httpx.URL) -> AsyncGenerator[httpx.Response]:
        """Connect to one of the host's checked addresses and yield the head of its answer."""
        timeout = httpx.Timeout(self._policy.stall_s, connect=self._policy.connect_s)
        # The environment's proxies would connect for us, to addresses that we could not check;
        # its certificate authorities are still honoured.
        tls = _tls_context(url.scheme)
        async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=timeout) as client:
            try:
                answer = await self._ask(client, url)
                try:
                    yield answer
                finally:
                    await answer.aclose()
            except httpx.HTTPError as error:
                raise failed(url.host, error) from error

    async def _ask(self, client: httpx.AsyncClient, url: httpx.URL) -> httpx.Response:
        return await reach(
            client,
            "GET",
            url,
            headers=_ASK,
            allow_private=self._policy.allow_private,
            connect_s=self._policy.connect_s,
            resolve=self._resolve,
        )

    async def _store(self, answer: httpx.Response, dest: Path) -> Fetched:
        part = dest.with_name(f".{dest.name}.part")
        try:
            dest.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as stream:
                size, digest = await self._copy(answer, stream)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(dest)
        except OSError as error:
            raise storage_failed(error) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return Fetched(dest, size, digest)

    async def _copy(self, answer: httpx.Response, stream: BinaryIO) -> tuple[int, str]:
        max_bytes, total = self._policy.max_bytes, announced_length(answer)
        size, digest, head, judged = 0, sha256(), b"", False
        async for chunk in answer.aiter_raw():
            size += len(chunk)
            if size > max_bytes:
                raise too_large("it goes on after that", max_bytes)
            if not judged:
                head += chunk[:HEAD_BYTES]
                if judged := len(head) >= HEAD_BYTES:
                    check_head(head, answer)
            digest.update(chunk)
            stream.write(chunk)
            self._watch.progress(Stage.FETCH, size, total if size <= total else 0)
        if not judged:
            check_head(head, answer)
        return size, digest.hexdigest()
