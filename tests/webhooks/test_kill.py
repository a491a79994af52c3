"""kill -9 between a request's end and the delivery of that loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from retake.queue.keys import Keys
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until

PROCESS = "tests.webhooks.teller_process"


@pytest.mark.parametrize("deliver", [False, True], ids=["before it is sent", "while it is sent"])
def test_a_killed_server_tells_when_it_is_back(
    tmp_path: Path, receiver: Receiver, *, deliver: bool
) -> None:
    (tmp_path / "data").mkdir()
    keys = Keys(tmp_path / "data/keys.sqlite")
    keys.create("killed")
    key_id = keys.list()[0].key_id
    keys.close()
    held = threading.Event()
    receiver.answers = [Answer(wait_for=held)] if deliver else []
    process = subprocess.Popen(
        [sys.executable, "-m", PROCESS, str(tmp_path / "data"), key_id, receiver.url],
        stdout=subprocess.PIPE,
        env=os.environ | ({"DELIVER": "1"} if deliver else {}),
        cwd=Path(__file__).parents[2],
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"finished r1\n"
        if deliver:
            receiver.wait(1)
        process.send_signal(signal.SIGKILL)
    held.set()
    with closing(Telling(tmp_path)) as after:
        messages = receiver.wait(1 + deliver)
        assert len({message.id for message in messages}) == 1
        assert messages[-1].json["data"]["request_id"] == "r1"

        async def state() -> str:
            delivery = await after.requests.webhooks.outbox.get(messages[0].id)
            return "" if delivery is None else str(delivery.state)

        until(lambda: after.do(state()) == "delivered")
    assert len(receiver.messages) == 1 + deliver


def test_what_was_cancelled_by_a_kill_is_told_at_the_next_start(
    tmp_path: Path, receiver: Receiver
) -> None:
    with closing(Telling(tmp_path)) as before:
        before.ask(webhook=receiver.url)
        # Somebody was told that it would stop, then the server went down before it did.
        before.do(before.requests._store.cancel(before.take()))
    assert receiver.messages == []
    with closing(Telling(tmp_path)):
        assert receiver.wait(1)[0].type == "retake.cancelled"
