"""A server without HTTP, to be killed: python teller_process.py DATA_DIR KEY_ID URL

Finishes a request whose webhook is URL and says `finished ID`; with DELIVER in the environment it
also delivers, and stays until it is killed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from retake.queue.data_dir import DataDir
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.webhooks import Delivery, Target
from retake.steps.notify import Notifier


async def empty(_delivery: Delivery) -> bytes:
    return b"{}"


async def main(data_dir: DataDir, key_id: str, url: str) -> None:
    requests = Requests(data_dir)
    if os.environ.get("DELIVER"):
        Notifier(requests.webhooks, empty, allow_private=True).start()
    target = Target(url, f"{key_id} 127.0.0.1:1", "http://127.0.0.1")
    new = NewRequest("r1", key_id, "retake", "vfx", {}, "url:none", seed=1, webhook=target)
    await requests.create(new)
    request_id = requests.dispatch.admit()
    assert request_id is not None
    await requests.dispatch.begun(request_id)
    await requests.dispatch.ended(request_id, {"status": "success", "outcome": {"files": {}}})
    sys.stdout.write(f"finished {request_id}\n")
    sys.stdout.flush()
    await asyncio.sleep(60)


if __name__ == "__main__":
    with DataDir(Path(sys.argv[1])) as data_dir:
        asyncio.run(main(data_dir, *sys.argv[2:]))
