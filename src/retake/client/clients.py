"""The two clients: the same calls, carried out in this thread or on the event loop."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from retake.client.calls import Calls
from retake.client.carrying import AsyncCarrier, Carrier
from retake.client.effects import Emit, Emits, Flow, Walk
from retake.client.server import server_for

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    call: Callable[Concatenate[Calls, P], Flow[T]],
) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(call)
    def method(self: Client, *args: P.args, **kwargs: P.kwargs) -> T:
        walk = Walk(call(self.calls, *args, **kwargs))
        with Carrier(self.http) as carrier:
            while not walk.done:
                try:
                    value = carrier.do(walk.effect)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                    walk.fail(error)
                else:
                    walk.reply(value)
        return walk.result

    return method


def _yielding(
    call: Callable[Concatenate[Calls, P], Emits[T]],
) -> Callable[Concatenate[Client, P], Generator[T]]:
    @functools.wraps(call)
    def method(self: Client, *args: P.args, **kwargs: P.kwargs) -> Generator[T]:
        walk = Walk(call(self.calls, *args, **kwargs).flow)
        with Carrier(self.http) as carrier:
            while not walk.done:
                try:
                    value = carrier.do(walk.effect)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                    walk.fail(error)
                    continue
                if isinstance(walk.effect, Emit):
                    yield walk.effect.value
                walk.reply(value)

    return method


def _awaiting(
    call: Callable[Concatenate[Calls, P], Flow[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @functools.wraps(call)
    async def method(self: AsyncClient, *args: P.args, **kwargs: P.kwargs) -> T:
        walk = Walk(call(self.calls, *args, **kwargs))
        async with AsyncCarrier(self.http) as carrier:
            while not walk.done:
                try:
                    value = await carrier.do(walk.effect)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                    walk.fail(error)
                else:
                    walk.reply(value)
        return walk.result

    return method


def _async_yielding(
    call: Callable[Concatenate[Calls, P], Emits[T]],
) -> Callable[Concatenate[AsyncClient, P], AsyncGenerator[T]]:
    @functools.wraps(call)
    async def method(self: AsyncClient, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T]:
        walk = Walk(call(self.calls, *args, **kwargs).flow)
        async with AsyncCarrier(self.http) as carrier:
            while not walk.done:
                try:
                    value = await carrier.do(walk.effect)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                    walk.fail(error)
                    continue
                if isinstance(walk.effect, Emit):
                    yield walk.effect.value
                walk.reply(value)

    return method


class Client:
    """A server of this API; every call blocks until it is done.

        with retake.Client("https://retake.example", "rt_…") as client:
            new = client.retake("clip.mp4", start=3, duration=5, prompt="rain", output="new.mp4")

    Every method may raise a `RetakeError`: `RetakeAPIError` where the server said no, and
    `ConnectionLost` once what can safely be tried again has been.

    Args:
        base_url: ``http://HOST:PORT``, or the API's whole URL; RETAKE_URL, else this machine's
            port 8484, when None.
        api_key: RETAKE_KEY when None. It is sent to that server only.
        tries: How often a call that may be repeated is made.
        patience_s: How long a server that cannot be reached is waited for while a request is
            followed, in seconds.
        transport: Another way to the network.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        tries: int = 5,
        patience_s: float = 300.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.calls = Calls(server_for(base_url, api_key, tries=tries, patience_s=patience_s))
        self.http = httpx.Client(transport=transport)

    retake = _blocking(Calls.retake)
    submit = _blocking(Calls.submit)
    get = _blocking(Calls.get)
    wait = _blocking(Calls.wait)
    events = _yielding(Calls.events)
    list = _yielding(Calls.list)
    cancel = _blocking(Calls.cancel)
    upload = _blocking(Calls.upload)
    download = _blocking(Calls.download)
    models = _blocking(Calls.models)
    model = _blocking(Calls.model)
    dry_run = _blocking(Calls.dry_run)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """`Client` for an event loop: the same methods, awaited; `events` and `list` by ``async for``.

        async with retake.AsyncClient() as client:
            new = await client.retake("clip.mp4", start=3, duration=5, output="new.mp4")

    Args: as those of `Client`.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        tries: int = 5,
        patience_s: float = 300.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.calls = Calls(server_for(base_url, api_key, tries=tries, patience_s=patience_s))
        self.http = httpx.AsyncClient(transport=transport)

    retake = _awaiting(Calls.retake)
    submit = _awaiting(Calls.submit)
    get = _awaiting(Calls.get)
    wait = _awaiting(Calls.wait)
    events = _async_yielding(Calls.events)
    list = _async_yielding(Calls.list)
    cancel = _awaiting(Calls.cancel)
    upload = _awaiting(Calls.upload)
    download = _awaiting(Calls.download)
    models = _awaiting(Calls.models)
    model = _awaiting(Calls.model)
    dry_run = _awaiting(Calls.dry_run)

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
