"""The engine `hosted`, put together: the upstream server, the key that pays, clips, a guard."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from retake.client.errors import RetakeAPIError
from retake.client.server import api_base, origin
from retake.core.errors import BadRequest

if TYPE_CHECKING:
    from retake.client import AsyncClient
    from retake.core.request import Limits
    from retake.core.source import Colour, Source
    from retake.engines.engine import EngineInfo, Frame, Sound
    from retake.engines.hosted.clips import Sent
    from retake.engines.hosted.engine import HostedEngine
    from retake.queue.data_dir import DataDir
    from retake.queue.database import Database
    from retake.queue.vault import KeptKeys
    from retake.settings import Settings

_MAX_ADDRESSES = 4


def hosted_info(chosen: Settings) -> EngineInfo | None:
    """Return what the engine is; None where no upstream server is set."""
    from retake.engines.hosted.conversation import host_of
    from retake.engines.hosted.info import info_for

    if not chosen.upstream_url:
        return None
    return info_for(host_of(upstream_base(chosen)), chosen.upstream_model)


def upstream_base(chosen: Settings) -> str:
    """Return the upstream server, as its API's URL.

    Raises:
        BadRequest: RETAKE_UPSTREAM_URL is not set, or no address of a server (``bad_setting``).
    """
    try:
        return api_base(chosen.upstream_url or "")
    except RetakeAPIError as error:
        raise BadRequest(
            "bad_setting", f"RETAKE_UPSTREAM_URL: {error.message}", param="RETAKE_UPSTREAM_URL"
        ) from error


def make_hosted(chosen: Settings, accepted: Limits, upstream_key: str | None) -> HostedEngine:
    """Return the engine.

    Args:
        chosen: Where the upstream server is.
        accepted: What an answer may be like.
        upstream_key: The user's own key there; the operator's when None.

    Raises:
        BadRequest: The setting is no address of a server (``bad_setting``).
    """
    from retake.engines.hosted.engine import HostedEngine

    return HostedEngine(
        upstream_base(chosen),
        chosen.upstream_model,
        lambda: client_for(chosen, upstream_key),
        _Clips(accepted),
        accepted.max_bytes,
        mark_of(chosen.data_dir),
    )


def mark_of(data_dir: Path) -> str | None:
    """Return by what a server knows what it handed on itself; None where no server has been."""
    try:
        secret = (data_dir.expanduser() / "secret").read_bytes()
    except OSError:
        return None
    return hmac.digest(secret, b"retake via v1", "sha256").hex()[:32]


def client_for(chosen: Settings, upstream_key: str | None) -> AsyncClient:
    """Return a client of the upstream server.

    Args:
        chosen: Where it is, and the operator's key.
        upstream_key: The user's own key there; the operator's when None.

    Raises:
        BadRequest: There is neither (``upstream_key_missing``).
    """
    from retake.client import AsyncClient

    base_url = upstream_base(chosen)
    operators = chosen.upstream_key.get_secret_value() if chosen.upstream_key else None
    key = upstream_key or operators
    if not key:
        raise BadRequest(
            "upstream_key_missing",
            f"there is no key for {httpx.URL(base_url).host}; accepted is RETAKE_UPSTREAM_KEY",
        )
    return AsyncClient(base_url, key, transport=_Guarded(chosen, base_url))


def open_vault(chosen: Settings, data_dir: DataDir, database: Database | None = None) -> KeptKeys:
    """Return the keys that requests brought along; the data folder must have its secret.

    Args:
        chosen: The settings.
        data_dir: The data folder.
        database: The requests' database, where this process has it open.
    """
    from retake.queue.database.address import postgres_url
    from retake.queue.opening import open_postgres
    from retake.queue.vault import Vault
    from retake.queue.vault_table import VaultTable

    secret = data_dir.secret.read_bytes()
    if (url := postgres_url(chosen.database.get_secret_value())) is None:
        return Vault(data_dir.path / "upstream-keys", secret)
    return VaultTable(lambda: database or open_postgres(url), secret)


class _Guarded(httpx.AsyncBaseTransport):
    """Reaches the upstream server itself, and of all other hosts only those with public addresses.

    Where the upstream server sends us, for an upload or for its answer, is a stranger's word: the
    name is resolved once and the connection goes to an address that was checked.
    """

    def __init__(self, chosen: Settings, base_url: str) -> None:
        self._home = origin(base_url)
        self._allow_private = chosen.fetch_allow_private
        self._timeout_s = chosen.fetch_connect_s
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request where it may go.

        Raises:
            FetchFailed: It may not go there (``blocked_address``, ``bad_url``).
        """
        if origin(str(request.url)) != self._home:
            from retake.steps.fetch.resolve import checked_addresses, system_resolver
            from retake.steps.fetch.url import check_url

            url = check_url(str(request.url), allow_private=self._allow_private)
            addresses = await checked_addresses(
                url.raw_host.decode("ascii"),
                url.port or {"http": 80, "https": 443}[url.scheme],
                allow_private=self._allow_private,
                resolve=system_resolver,
                timeout_s=self._timeout_s,
            )
            request.extensions["sni_hostname"] = url.raw_host.decode("ascii").rstrip(".")
            *others, last = addresses[:_MAX_ADDRESSES]
            for address in others:
                request.url = url.copy_with(host=str(address))
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return await self._inner.handle_async_request(request)
            request.url = url.copy_with(host=str(last))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class _Clips:
    accepted: Limits

    def write(self, path: Path, sent: Sent) -> None:
        from retake.media.clip_writing import ClipForm, write_clip

        form = ClipForm(sent.times, sent.frame_rate, sent.width, sent.height, sent.colour)
        sound = sent.sound
        write_clip(
            path,
            form,
            sent.frames,
            None if sound is None else sound.samples,
            0 if sound is None else sound.rate,
        )

    def open(self, path: Path) -> _Received:
        from retake.media.sandbox import probe_safely

        return _Received(path, probe_safely(path, self.accepted))


@dataclass(frozen=True, slots=True)
class _Received:
    path: Path
    source: Source

    @property
    def size(self) -> tuple[int, int]:
        return self.source.video.upright_size

    @property
    def duration(self) -> Fraction:
        return self.source.video.duration

    @property
    def colour(self) -> Colour:
        return self.source.video.colour

    def frames_at(
        self, times: Sequence[Fraction], width: int, height: int, *, deep: bool
    ) -> Iterator[Frame]:
        from retake.media.clip import frames_at

        return frames_at(self.path, self.source, times, width, height, deep=deep)

    def sound(self, start: Fraction, end: Fraction) -> Sound | None:
        from retake.engines.engine import Sound
        from retake.media.clip import clip_sound

        found = clip_sound(self.path, self.source, start, end)
        return None if found is None else Sound(*found)
