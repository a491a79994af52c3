"""What is on the disk: secrets, and files of a version that knew no webhooks."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from retake.bootstrap.notify import webhooks_in
from retake.queue.data_dir import DataDir
from retake.queue.database import Dialect
from retake.queue.requests import Requests
from retake.queue.tables import STEPS
from retake.queue.webhooks import secret as signing
from retake.queue.webhooks.tables import WEBHOOKS
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until

OLD_ROW = """
insert into requests (request_id, key_id, model, engine, status, payload, source_ref, seed,
                      warnings, created_at, queued_at, updated_at, started_at)
values (?, 'key', 'm', 'vfx', ?, '{}', 'url:x', 1, '[]', 5, 5, 6, 6)
"""


def test_a_file_from_before_there_were_webhooks_is_brought_up(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    before = [step[Dialect.SQLITE] for step in STEPS]
    version = before.index(WEBHOOKS)
    db = sqlite3.connect(data_dir.requests, isolation_level=None)
    db.executescript(f"{''.join(before[:version])} pragma user_version={version};")
    for name, status in (("r0", "success"), ("r1", "queued"), ("r2", "processing")):
        db.execute(OLD_ROW, (name, status))
    db.close()
    requests = Requests(data_dir)
    try:
        assert [record.webhook for record in asyncio.run(requests.list("key"))[0]] == [None] * 3
        assert asyncio.run(requests.webhooks.endpoints.list("key")) == []
        assert asyncio.run(requests.webhooks.outbox.lanes()) == {}
    finally:
        requests.close()


def test_secrets_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    with closing(Telling(tmp_path)) as telling:
        secret = telling.webhook("http://127.0.0.1:9/")["secret"]
    files = [path for path in telling.data_dir.path.iterdir() if path.is_file()]
    holding = [path for path in files if secret.encode() in path.read_bytes()]
    assert holding
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in holding)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300)), max_size=8))
def test_a_replaced_secret_signs_as_long_as_it_was_promised_and_no_longer(
    rotations: list[tuple[int, int]],
) -> None:
    now, current = 1000, signing.new_secret()
    stored, ends = signing.first(current), dict[str, int]()
    Webhook(current)
    for wait_s, grace_s in rotations:
        now += wait_s
        fresh = signing.new_secret()
        stored = signing.rotated(stored, fresh, now, grace_s)
        ends = {old: min(end, now + grace_s) for old, end in ends.items()}
        ends[current], current = now + grace_s, fresh
        alive = signing.alive(stored, now)
        promised = [old for old in reversed(ends) if ends[old] > now]
        assert alive == (current, *promised)[:4]
        assert signing.old_until(stored, now) == max((ends[old] for old in alive[1:]), default=None)


def test_an_operator_is_told_how_webhooks_stand_while_the_server_runs_and_when_it_does_not(
    tmp_path: Path, receiver: Receiver
) -> None:
    assert webhooks_in(tmp_path) is None
    with closing(Telling(tmp_path)) as telling:
        data_dir = telling.data_dir.path
        receiver.answers = [Answer(410)]
        receiver.answer = lambda _message: Answer(500)
        telling.webhook(f"{receiver.url}/gone")
        until(lambda: telling.tried(telling.done(), 1)["status"] == "failed")
        telling.webhook(f"{receiver.url}/down")
        telling.tried(telling.done(), 1)
        told = "webhooks: 2, of them disabled: 1, failing: 1; messages waiting to be delivered: 1"
        assert webhooks_in(data_dir) == told
    before = sorted(path.name for path in data_dir.iterdir())
    assert webhooks_in(data_dir) == told
    assert sorted(path.name for path in data_dir.iterdir()) == before
