"""The server of the crash tests: real queue and supervisor, and a load that it makes itself.

python server_process.py DATA_DIR REQUESTS_A_SECOND

Says on its standard output, a line each: `acknowledged ID`, `cancelling ID`, `ended ID STATUS`,
`child PID`. Ends on SIGTERM; without a load, also when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import signal
import sys
from pathlib import Path

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.listing import Wanted
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.supervisor import Supervisor

KEYS = ("alice", "bob", "carol")


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def submit(requests: Requests) -> None:
    request_id = secrets.token_hex(8)
    key_id = random.choice(KEYS)
    payload = {"work_s": random.choice((0.0, 0.05, 0.2, 0.5))}
    await requests.create(
        NewRequest(request_id, key_id, "retake", "none", payload, "url:none", seed=1)
    )
    say("acknowledged", request_id)
    if random.random() < 0.15:
        await asyncio.sleep(random.uniform(0, 1))
        record = await requests.cancel(request_id, key_id)
        assert record is not None
        say("cancelling", request_id)
    record = await requests.wait(request_id, 1e6)
    if record.status.terminal:
        say("ended", request_id, record.status)


async def main(data_dir: DataDir, rate: float) -> None:
    requests = Requests(data_dir)
    child = str(Path(__file__).with_name("child_process.py"))
    supervisor = Supervisor(
        lambda fd: [sys.executable, child, str(fd), str(data_dir.path)], requests
    )
    await supervisor.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    said = None
    tasks: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        if supervisor.pid not in (said, None):
            said = supervisor.pid
            say("child", said)
        if rate:
            task = asyncio.create_task(submit(requests))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(random.expovariate(rate))
        else:
            left = sum(
                requests.list(key, Wanted(status=status))[1]
                for key in KEYS
                for status in (Status.QUEUED, Status.PROCESSING)
            )
            if not left:
                break
            await asyncio.sleep(0.05)
    requests.release()
    await supervisor.stop()
    await asyncio.gather(*tasks)
    requests.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="server %(process)d %(message)s")
    with DataDir(Path(sys.argv[1])) as data_dir:
        asyncio.run(main(data_dir, float(sys.argv[2])))
