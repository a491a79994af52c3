"""`retake mcp` as an agent starts it: a process of its own, spoken to by the published client."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from mcp import Client, StdioServerParameters
from tests.api.live import API, Live, live
from tests.clips import make_clip

MCP = ["-m", "retake.cli.main", "mcp"]


def asked(work: Callable[[Client], Awaitable[Any]], *options: str, **settings: str) -> Any:
    """Return what `work` does with a client whose server is a new `retake mcp`."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("RETAKE_")}
    started = StdioServerParameters(
        command=sys.executable, args=[*MCP, *options], env=kept | settings
    )

    async def done() -> Any:
        async with Client(started) as client:
            return await work(client)

    return asyncio.run(done())


@pytest.fixture
def server(tmp_path: Path):
    with live(tmp_path) as running:
        yield running


def test_a_file_of_this_machine_is_sent_to_a_server_and_its_result_saved(
    server: Live, clip: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new.mp4"

    async def worked(client: Client) -> Any:
        names = {tool.name for tool in (await client.list_tools()).tools}
        made = await client.call_tool("submit", {"video": str(clip), "prompt": "rain"})
        request_id = made.structured_content["request_id"]
        early = await client.call_tool("save", {"request_id": request_id, "path": str(target)})
        await asyncio.to_thread(server.take)
        await asyncio.to_thread(server.finish, request_id)
        await client.call_tool("wait", {"request_id": request_id})
        saved = await client.call_tool("save", {"request_id": request_id, "path": str(target)})
        again = await client.call_tool("save", {"request_id": request_id, "path": str(target)})
        return names, request_id, early, saved, again

    names, request_id, early, saved, again = asked(
        worked, RETAKE_URL=server.url, RETAKE_KEY=server.key
    )
    assert names == {
        *("probe", "effects", "submit", "status", "wait", "cancel", "list", "save"),
    }
    assert early.is_error
    assert saved.structured_content["path"] == str(target)
    assert target.read_bytes() == f"video of {request_id}".encode() * 100
    assert again.structured_content["code"] == "output_exists"
    record = server.client.get(f"{API}/requests/{request_id}").json()
    assert record["payload"]["video_uri"].startswith(f"{server.url}/files/uploads/")


def test_a_server_that_is_not_there_and_a_wrong_key_are_told_by_the_tools(server: Live) -> None:
    def told(url: str, key: str) -> Any:
        return asked(
            lambda client: client.call_tool("list", {}), "--url", url, "--key", key
        ).structured_content["code"]

    assert told(server.url, "rt_wrong") == "wrong_key"
    listed = asked(lambda client: client.call_tool("list", {}), RETAKE_URL=server.url)
    assert listed.structured_content["code"] == "missing_key"


@pytest.mark.slow
def test_without_a_server_it_has_one_of_its_own(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=3, size=(96, 64), fps=Fraction(12))
    target = tmp_path / "new.mp4"
    data_dir = str(tmp_path / "data")

    async def worked(client: Client) -> Any:
        probed = await client.call_tool("probe", {"video": str(clip), "prompt": "rain"})
        # Sound alone is made quickly.
        arguments = {"video": str(clip), "start_time": 0.5, "duration": 2, "prompt": "rain"} | {
            "mode": "replace_audio"
        }
        made = await client.call_tool("submit", arguments)
        request_id = made.structured_content["request_id"]
        done = await client.call_tool("wait", {"request_id": request_id, "timeout_s": 100})
        await client.call_tool("save", {"request_id": request_id, "path": str(target)})
        return probed, done

    probed, done = asked(worked, "--data-dir", data_dir)
    assert probed.structured_content["source"]["video"]["frames"] == 36
    assert done.structured_content["status"] == "success", done.structured_content
    with av.open(str(target)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 36
    assert (tmp_path / "data" / "agent.key").stat().st_mode & 0o077 == 0

    # The next start knows the requests of the last one.
    listed = asked(lambda client: client.call_tool("list", {}), "--data-dir", data_dir)
    requests = listed.structured_content["requests"]
    assert [each["request_id"] for each in requests] == [done.structured_content["request_id"]]


def test_its_own_server_ends_when_it_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, *MCP, "--data-dir", str(tmp_path / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        children = _until(lambda: _children(process.pid))
        _until((tmp_path / "data" / "agent.key").exists)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    _until(lambda: not any(Path(f"/proc/{pid}/stat").exists() for pid in children))


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if (match := re.match(r"(\d+) \(.*\) \w (\d+) ", text)) and int(match[2]) == pid:
            found.append(int(match[1]))
    return found


def _until(true: Callable[[], Any], within_s: float = 60) -> Any:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come true in time")
