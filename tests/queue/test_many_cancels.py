"""A whole queue that is cancelled at once is not handed to the engine child first."""

from __future__ import annotations

import asyncio
from pathlib import Path

from retake.queue.data_dir import DataDir
from retake.queue.record import NewRequest
from retake.queue.requests import Requests


def test_requests_cancelled_at_once_are_not_sent_to_the_child(tmp_path: Path) -> None:
    sent: list[str] = []

    async def scenario() -> None:
        requests = Requests(DataDir(tmp_path))

        class Child:
            def wake(self) -> None:
                while name := requests.dispatch.admit():
                    sent.append(name)

            def cancel(self, request_id: str) -> bool:
                return True

        requests.dispatch.attach(Child())
        names = [f"r{n}" for n in range(40)]
        for name in names:
            await requests.create(NewRequest(name, "key", "m", "e", {}, "url:x", 1))
        # The first two went before; the others' cancels are stored together, and told one by one.
        await asyncio.gather(*(requests.cancel(name, "key") for name in names))
        requests.close()

    asyncio.run(scenario())
    assert len(sent) == 2
