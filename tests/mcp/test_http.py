"""`/mcp` as agents reach it: the published MCP client, by HTTP, at a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client.streamable_http import streamable_http_client

from mcp import Client
from tests.api.live import API, Live, live

TOOLS = {"probe", "effects", "submit", "status", "wait", "cancel", "list", "upload_url"}
VIDEO = "https://example.com/video.mp4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("agents"), max_body_bytes=64 * 1024) as running:
        yield running


@asynccontextmanager
async def agent(server: Live, key: str | None = None, **more: Any):
    headers = {"Authorization": f"Bearer {key or server.key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with Client(transport, **more) as client:
            yield client


def asked(server: Live, work: Callable[[Client], Awaitable[Any]], **more: Any) -> Any:
    async def done() -> Any:
        async with agent(server, **more) as client:
            return await work(client)

    return asyncio.run(done())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_listed_with_schemas_in_both_eras_of_the_protocol(
    server: Live, mode: str
) -> None:
    listed = asked(server, lambda client: client.list_tools(), mode=mode)
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == TOOLS
    assert tools["submit"].input_schema["required"] == ["video", "prompt"]
    assert "request_id" in tools["wait"].output_schema["properties"]
    assert tools["cancel"].annotations.destructive_hint is True
    assert tools["status"].annotations.read_only_hint is True


def test_a_request_is_submitted_watched_and_answered_with_links(server: Live) -> None:
    told: list[tuple[float, str | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def worked(client: Client) -> Any:
        made = await client.call_tool("submit", {"video": VIDEO, "prompt": "rain", "seed": 7})
        request_id = made.structured_content["request_id"]
        waiting = asyncio.create_task(
            client.call_tool("wait", {"request_id": request_id}, progress_callback=heard)
        )
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.take)
        for done in (30, 60, 90):
            told_of = server.requests.dispatch.progressed(request_id, "generate", done, 100)
            await asyncio.to_thread(server.do, told_of)
            await asyncio.sleep(0.3)
        await asyncio.to_thread(server.finish, request_id)
        return made, await waiting

    made, done = asked(server, worked)
    assert (made.structured_content["status"], made.structured_content["seed"]) == ("queued", 7)
    values = done.structured_content
    assert values["status"] == "success"
    links = {block.name: block for block in done.content if block.type == "resource_link"}
    assert links["video"].uri == values["video_url"]
    assert links["video"].mime_type == "video/mp4"
    assert httpx.get(values["video_url"], trust_env=False).status_code == 200
    assert told[-1][0] > told[0][0]
    assert [progress for progress, _ in told] == sorted(progress for progress, _ in told)
    assert any(message is not None and "being made" in message for _, message in told)
    record = server.client.get(f"{API}/requests/{values['request_id']}").json()
    assert record["payload"] == {"video_uri": VIDEO, "start_time": 0.0, "prompt": "rain"} | {
        "mode": "replace_audio_and_video",
        "seed": 7,
    }


def test_several_takes_of_several_sections_are_asked_for_and_linked(server: Live) -> None:
    sections = [
        {"start_time": 0.5, "duration": 2},
        {"start_time": 4, "duration": 2, "prompt": "fog"},
    ]
    arguments = {"video": VIDEO, "prompt": "rain", "sections": sections, "takes": 2}

    async def worked(client: Client) -> Any:
        made = await client.call_tool("submit", arguments)
        request_id = made.structured_content["request_id"]
        await asyncio.to_thread(server.take)
        files = [f"outputs/{request_id}/{name}.mp4" for name in ("video", "second")]
        takes = [{"take": at + 1, "seed": at, "files": {"video": f}} for at, f in enumerate(files)]
        outcome = {"files": {"video": files[0]}, "takes": takes, "report": {}}
        await asyncio.to_thread(server.end, request_id, {"status": "success", "outcome": outcome})
        return await client.call_tool("status", {"request_id": request_id})

    done = asked(server, worked)
    links = {block.name: block.uri for block in done.content if block.type == "resource_link"}
    assert "/second.mp4?" in links["take_2"]
    assert links["take_1"].partition("?")[0] == links["video"].partition("?")[0]
    record = server.client.get(f"{API}/requests/{done.structured_content['request_id']}").json()
    payload = {"video_uri": VIDEO, "prompt": "rain", "mode": "replace_audio_and_video"}
    assert record["payload"] == payload | {"sections": sections, "takes": 2}


def test_waiting_ends_when_its_time_is_over_and_the_request_goes_on(server: Live) -> None:
    async def worked(client: Client) -> Any:
        made = await client.call_tool("submit", {"video": VIDEO, "prompt": "fog"})
        request_id = made.structured_content["request_id"]
        began = time.monotonic()
        waited = await client.call_tool("wait", {"request_id": request_id, "timeout_s": 0.3})
        # A stream of events is silent for longer.
        assert time.monotonic() - began < 10
        cancelled = await client.call_tool("cancel", {"request_id": request_id})
        listed = await client.call_tool("list", {"limit": 1, "status": "cancelled"})
        status = await client.call_tool("status", {"request_id": request_id})
        return [waited, cancelled, status], listed.structured_content["requests"]

    answers, listed = asked(server, worked)
    assert [each.structured_content["status"] for each in answers] == [
        "queued",
        "cancelled",
        "cancelled",
    ]
    assert [each["request_id"] for each in listed] == [answers[0].structured_content["request_id"]]


def test_who_waits_is_told_when_the_server_stops(tmp_path: Path) -> None:
    with live(tmp_path) as stopping:

        async def worked(client: Client) -> Any:
            made = await client.call_tool("submit", {"video": VIDEO, "prompt": "fog"})
            arguments = {"request_id": made.structured_content["request_id"]}
            waiting = asyncio.create_task(client.call_tool("wait", arguments))
            await asyncio.sleep(0.3)
            stopping.requests.release()
            return await waiting

        told = asked(stopping, worked, mode="legacy")
    assert told.is_error
    assert told.structured_content["retryable"] is True


def test_effects_tells_what_the_engine_can_do(server: Live) -> None:
    told = asked(server, lambda client: client.call_tool("effects", {}))
    assert "Knows no people" in told.content[0].text
    assert told.structured_content["engine"]["id"] == "vfx"
    names = [parameter["name"] for parameter in told.structured_content["parameters"]]
    assert "options.scale" in names


def test_probe_is_a_dry_run(server: Live) -> None:
    told = asked(server, lambda client: client.call_tool("probe", {"video": VIDEO}))
    assert told.structured_content["dry_run"] is True
    assert told.structured_content["payload"]["video_uri"] == VIDEO


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "param"),
    [
        (
            "submit",
            {"video": VIDEO, "prompt": "x", "duration": 1},
            "duration_too_short",
            "duration",
        ),
        ("submit", {"video": "/etc/passwd", "prompt": "x"}, "bad_url", "video"),
        ("probe", {"video": "file:///etc/passwd"}, "bad_url", "video"),
        ("submit", {"video": "http://127.0.0.1/x", "prompt": "x"}, "blocked_address", "video_uri"),
        ("submit", {"video": VIDEO, "prompt": "x", "model": "veo3"}, "unknown_model", "model"),
        ("status", {"request_id": "none"}, "unknown_request", "request_id"),
        ("wait", {"request_id": "none"}, "unknown_request", "request_id"),
        ("cancel", {"request_id": "none"}, "unknown_request", "request_id"),
        ("upload_url", {"file_type": "exe"}, "unknown_file_type", "file_type"),
    ],
)
def test_what_is_wrong_is_told_precisely(
    server: Live, tool: str, arguments: dict[str, Any], code: str, param: str
) -> None:
    told = asked(server, lambda client: client.call_tool(tool, arguments))
    assert told.is_error
    assert (told.structured_content["code"], told.structured_content["param"]) == (code, param)
    assert code in told.content[0].text


def test_arguments_that_break_the_schema_are_told_too(server: Live) -> None:
    for arguments in ({"prompt": "x"}, {"video": VIDEO, "prompt": "x", "start_time": -1}):
        told = asked(server, lambda client: client.call_tool("submit", arguments))  # noqa: B023
        assert told.is_error


def test_one_key_sees_nothing_of_another(server: Live) -> None:
    request_id = server.submit_async()
    for tool in ("status", "wait", "cancel"):
        told = asked(
            server,
            lambda client: client.call_tool(tool, {"request_id": request_id}),  # noqa: B023
            key=server.other_key,
        )
        assert told.structured_content["code"] == "unknown_request"
    listed = asked(server, lambda client: client.call_tool("list", {}), key=server.other_key)
    assert listed.structured_content["requests"] == []
    server.client.delete(f"{API}/requests/{request_id}")


def test_a_video_is_uploaded_by_the_url_that_a_tool_gives(server: Live, clip: Path) -> None:
    urls = asked(server, lambda client: client.call_tool("upload_url", {})).structured_content
    assert server.anybody.put(urls["upload_url"], content=clip.read_bytes()).is_success
    made = asked(
        server,
        lambda client: client.call_tool("submit", {"video": urls["public_url"], "prompt": "fog"}),
    )
    assert made.structured_content["status"] == "queued"
    server.client.delete(f"{API}/requests/{made.structured_content['request_id']}")


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
SENT = {"Accept": "application/json, text/event-stream"}


def test_without_a_key_nothing_is_answered(server: Live) -> None:
    for headers in ({}, {"Authorization": "Bearer rt_wrong"}):
        got = server.anybody.post("/mcp", json=INITIALIZE, headers=SENT | headers)
        assert got.status_code == 401
        assert got.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        (None, None, 200),
        ("retake.example:8484", None, 200),
        (None, "same", 200),
        ("localhost:8484", "http://localhost:8484", 200),
        ("[::1]:8484", "http://[::1]:8484", 200),
        ("evil.example:8484", "http://evil.example:8484", 403),
        (None, "http://evil.example", 403),
        (None, "null", 403),
        (None, "file://x", 403),
    ],
)
def test_a_strange_page_is_refused_even_with_a_key(
    server: Live, host: str | None, origin: str | None, status: int
) -> None:
    headers = dict(SENT)
    if host is not None:
        headers["Host"] = host
    if origin is not None:
        headers["Origin"] = server.url if origin == "same" else origin
    got = server.client.post("/mcp", json=INITIALIZE, headers=headers)
    assert got.status_code == status, got.text
    if status == 403:
        assert got.json()["code"] == "strange_origin"


def test_only_post_is_possible(server: Live) -> None:
    for method in ("GET", "DELETE", "PUT"):
        got = server.client.request(method, "/mcp", headers=SENT)
        assert (got.status_code, got.headers["allow"]) == (405, "POST")
        assert got.json()["code"] == "wrong_method"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b'{"jsonrpc": "2.0"}'])
def test_what_is_no_message_is_a_4xx(server: Live, body: bytes) -> None:
    headers = SENT | {"Content-Type": "application/json"}
    got = server.client.post("/mcp", content=body, headers=headers)
    assert 400 <= got.status_code < 500
