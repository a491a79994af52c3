"""The client for event loops, which shares every rule with the blocking one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest

from retake import AsyncClient, Client
from retake.client import ConnectionLost, RequestFailed, Timeout
from tests.api.live import PAYLOAD
from tests.client.proxy import proxied

URL = PAYLOAD["video_uri"]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_all_calls_work_there_too(server, engine, tmp_path) -> None:
    async def scenario() -> None:
        async with AsyncClient(server.url, server.key) as client:
            told: list[str] = []
            result = await client.retake(
                b"a video" * 1000,
                start=1,
                duration=2,
                output=tmp_path / "new.mp4",
                progress=lambda progress: told.append(progress.status),
            )
            assert result.path.read_bytes() == f"video of {result.request.id}".encode() * 100
            assert told[0] == "uploading"
            engine.hold.set()
            request = await client.submit(URL, start=1, duration=2)
            listed = [each.id async for each in client.list(page_size=1)]
            assert listed == [request.id, result.request.id]
            with pytest.raises(Timeout):
                await client.wait(request.id, timeout_s=0.2)
            engine.hold.clear()
            seen = [progress.status async for progress in client.events(request.id)]
            assert seen[-1] == "success"
            assert (await client.get(request.id)).succeeded
            assert (await client.cancel(request.id)).succeeded
            assert (await client.download(request.id)).size > 0
            assert "ltx-2-pro-retake" in await client.models()

    run(scenario())


def test_many_requests_are_followed_at_once(server, engine) -> None:
    async def scenario() -> None:
        async with AsyncClient(server.url, server.key) as client:
            work = (client.retake(URL, start=n, duration=2) for n in range(8))
            results = await asyncio.gather(*work)
        assert len({result.request.id for result in results}) == 8

    run(scenario())


@pytest.mark.parametrize("stop_it", [False, True])
def test_who_is_interrupted_is_told_the_request_and_it_goes_on_unless_told(
    server, engine, stop_it
) -> None:
    engine.hold.set()

    async def scenario() -> None:
        async with AsyncClient(server.url, server.key) as client:
            request = await client.submit(URL, start=1, duration=2)
            task = asyncio.create_task(client.wait(request.id, cancel_on_interrupt=stop_it))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert request.id in " ".join(caught.value.__notes__)
            status = (await client.get(request.id)).status
            assert status == ("cancelled" if stop_it else "queued")

    run(scenario())


def test_a_stream_that_is_left_is_closed(server, engine) -> None:
    engine.hold.set()

    async def scenario() -> None:
        async with AsyncClient(server.url, server.key) as client:
            request = await client.submit(URL, start=1, duration=2)
            events = client.events(request.id)
            assert (await anext(events)).status == "queued"
            await events.aclose()

    run(scenario())
    with Client(server.url, server.key) as client:
        for progress in client.events(next(client.list()).id):
            assert progress.status == "queued"
            break


def test_broken_lines_are_mended_there_too(server, engine) -> None:
    async def scenario() -> None:
        with proxied(server.port) as proxy:
            async with AsyncClient(proxy.url, server.key) as client:
                proxy.cuts = [0]
                request = await client.submit(URL, start=1, duration=2)
                assert (await client.wait(request.id)).succeeded
                assert len([each async for each in client.list()]) == 1
            proxy.target = None
            proxy.cut()
            async with AsyncClient(proxy.url, server.key, tries=2) as client:
                with pytest.raises(ConnectionLost):
                    await client.get(request.id)

    run(scenario())


def test_failures_are_raised_there_too(server, engine) -> None:
    error = {"kind": "engine_failed", "code": "x", "message": "no", "param": None}
    failed = {"status": "failed", "error": error | {"retryable": True}}
    engine.work = lambda name: server.end(name, failed)

    async def scenario() -> None:
        async with AsyncClient(server.url, server.key) as client:
            with pytest.raises(RequestFailed) as caught:
                await client.retake(URL, start=1, duration=2)
            assert caught.value.retryable

    run(scenario())


def test_both_clients_have_the_same_calls() -> None:
    calls = [name for name in vars(Client) if not name.startswith("_")]
    assert calls == [name for name in vars(AsyncClient) if not name.startswith("_")]
    for name in calls:
        if name != "close":
            blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
            assert inspect.signature(blocking) == inspect.signature(awaited)
            assert blocking.__doc__
