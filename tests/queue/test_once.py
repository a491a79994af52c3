"""Idempotency keys in the queue: how long they are known, and that a kill cannot part them."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retake.core.errors import BadRequest
from retake.queue.once import Once
from retake.queue.record import NewRequest
from tests.databases import Place

ROOT = Path(__file__).parents[2]


def new(request_id: str, key_id: str = "key") -> NewRequest:
    return NewRequest(request_id, key_id, "retake", "vfx", {}, "url:x", 1)


def test_a_key_is_known_for_its_time_and_then_forgotten(place: Place) -> None:
    now = [1000.0]
    requests = place.requests(known_s=100, now=lambda: now[0])
    once = Once("k", b"digest")

    async def scenario() -> None:
        assert await requests.find("key", once) is None
        assert (await requests.create(new("r1"), once)).request_id == "r1"
        now[0] = 1099.0
        assert (await requests.create(new("r2"), once)).request_id == "r1"
        found = await requests.find("key", once)
        assert found is not None
        assert found.request_id == "r1"
        with pytest.raises(BadRequest):
            await requests.find("key", Once("k", b"other"))
        with pytest.raises(BadRequest):
            await requests.create(new("r3"), Once("k", b"other"))
        now[0] = 1100.0
        assert await requests.find("key", once) is None
        assert (await requests.create(new("r4"), Once("k", b"other"))).request_id == "r4"
        assert (await requests.list("key"))[1] == 2
        assert requests.dispatch.admit() == "r1"
        assert requests.dispatch.admit() == "r4"
        assert requests.dispatch.admit() is None

    asyncio.run(scenario())
    requests.close()
    assert place.rows("select request_id from idempotency") == [("r4",)]


CREATOR = """
import asyncio, secrets, sys
from pathlib import Path
from retake.queue.once import Once
from retake.queue.record import NewRequest
from tests.databases import Place

async def main():
    requests = Place(Path(sys.argv[1]), sys.argv[2]).requests()
    async def create():
        name = secrets.token_hex(8)
        new = NewRequest(name, "key", "retake", "vfx", {}, "url:x", 1)
        await requests.create(new, Once(f"of {name}", b"digest"))
        print(name, flush=True)
    while True:
        await asyncio.gather(*(create() for _ in range(8)))

asyncio.run(main())
"""


def test_a_kill_leaves_no_key_without_its_request(place: Place) -> None:
    acknowledged: set[str] = set()
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", CREATOR, str(place.data_dir.path), place.setting],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
        acknowledged |= {line for line in out.splitlines() if len(line) == 16}
    keys = set(place.rows("select request_id, idempotency_key from idempotency"))
    stored = {row[0] for row in place.rows("select request_id from requests")}
    requests = place.requests()
    assert keys == {(name, f"of {name}") for name in stored}
    assert acknowledged <= stored
    for name in acknowledged:
        found = asyncio.run(requests.find("key", Once(f"of {name}", b"digest")))
        assert found is not None
        assert found.request_id == name
    requests.close()
