"""Whatever happens in whatever order, the outbox stays in agreement with itself."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from retake.queue.database import Database
from retake.queue.database.sqlite import SqliteDatabase
from retake.queue.opening import open_postgres
from retake.queue.schema import open_reader, open_writer
from retake.queue.statements import END
from retake.queue.webhooks import Attempt, Target, Webhook, Webhooks
from retake.queue.webhooks.verdict import Verdict
from tests.postgres import PostgresServer

ROW = """
insert into requests (request_id, key_id, model, engine, payload, source_ref, seed, warnings,
                      created_at, queued_at, updated_at, webhook)
values (:name, 'key', 'm', 'vfx', '{}', 'url:x', 1, '[]', 1, 1, 1, :webhook)
"""
ALL = "select * from deliveries order by seq"


class Outbox(RuleBasedStateMachine):
    webhooks = Bundle("webhooks")

    def open(self) -> Database:
        path = Path(self.folder.name) / "db"
        db = open_writer(path)
        db.execute("pragma synchronous=off")
        return SqliteDatabase(db, open_reader(path))

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.database = self.open()
        self.now, self.requests = 1000, 0
        self.made = Webhooks(self.database, lambda: self.now)
        self.expected: dict[tuple[str, str | None], int] = {}
        self.last: dict[str, str] = {}

    def teardown(self) -> None:
        self.database.close()
        self.loop.close()
        self.folder.cleanup()

    @initialize(target=webhooks, statuses=st.lists(st.sampled_from(["success", "failed"])))
    def begin(self, statuses: list[str]) -> Webhook:
        webhook = self.make("a", ("success", "failed"))
        for status in statuses[:4]:
            self.end_a_request(status, own=False)
        return webhook

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def rows(self) -> list[Any]:
        return self.database.read_now(lambda db: db.execute(ALL).fetchall())

    def there(self, webhook: Webhook) -> Webhook | None:
        return self.do(self.made.endpoints.get(webhook.webhook_id, "key"))

    @rule(
        target=webhooks,
        host=st.sampled_from("ab"),
        events=st.sampled_from([("success",), ("failed",), ("success", "failed")]),
    )
    def make(self, host: str, events: tuple[str, ...]) -> Webhook:
        target = Target(f"http://{host}/", f"key {host}:80", "http://base", events)
        return self.do(self.made.endpoints.create("key", target, "", 99))[0]

    @rule(status=st.sampled_from(["success", "failed"]), own=st.booleans())
    def end_a_request(self, status: str, own: bool) -> None:
        self.requests += 1
        name = f"r{self.requests}"
        webhook = '{"url":"http://c/","lane":"key c:80","base":"","events":["success"]}'
        values = {"request_id": name, "status": status, "outcome": None, "error": None}
        row = {"name": name, "webhook": webhook if own else None}
        self.do(self.database.write(lambda db: db.execute(ROW, row)))
        for each in self.do(self.made.endpoints.list("key")):
            if each.disabled is None and status in each.events:
                self.expected[name, each.webhook_id] = 1
        if own and status == "success":
            self.expected[name, None] = 1
        self.do(self.database.write(lambda db: db.execute(END, values | {"now": self.now})))

    @rule(
        pick=st.integers(0, 99),
        outcome=st.sampled_from(["good", "again", "last", "gone"]),
        late=st.booleans(),
    )
    def try_one(self, pick: int, outcome: str, late: bool) -> None:
        # A try that is late ends when its message is no longer wanted, or was delivered by another.
        rows = [row for row in self.rows() if late or row["next_at"] is not None]
        if not rows:
            return
        delivery = self.do(self.made.outbox.get(rows[pick % len(rows)]["delivery_id"]))
        assert delivery is not None
        code = None if outcome == "good" else "http_500"
        attempt = Attempt(self.now, 1, 200, code, code)
        later = self.now + 60 if outcome == "again" else None
        verdict = Verdict(later, gone=outcome == "gone")
        webhook = self.do(self.made.endpoints.get(delivery.webhook_id or "", "key"))
        enabled = webhook is not None and webhook.disabled is None
        why = self.do(self.made.outbox.tried(delivery, attempt, verdict, 500))
        assert (why == "gone") == (outcome == "gone" and enabled)
        self.last[delivery.delivery_id] = outcome

    @rule(pick=st.integers(0, 99))
    def send_again(self, pick: int) -> None:
        rows = self.rows()
        if rows and rows[pick % len(rows)]["webhook_id"] is None:
            delivery = self.do(self.made.outbox.get(rows[pick % len(rows)]["delivery_id"]))
            assert delivery is not None
            assert self.do(self.made.outbox.again(delivery)).next_at == self.now
            self.last.pop(delivery.delivery_id, None)

    @rule(webhook=webhooks, enabled=st.booleans(), host=st.sampled_from("ab"))
    def change(self, webhook: Webhook, enabled: bool, host: str) -> None:
        if (found := self.there(webhook)) is not None:
            target = Target(f"http://{host}/", f"key {host}:80", "http://base", found.events)
            after = self.do(self.made.endpoints.change(found, target, "", enabled=enabled))
            assert (after.disabled is None) == enabled

    @rule(webhook=consumes(webhooks))
    def delete(self, webhook: Webhook) -> None:
        self.do(self.made.endpoints.delete(webhook))

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(age=st.integers(0, 400), target=webhooks)
    def clean(self, age: int) -> Any:
        ended = [row for row in self.rows() if (row["ended_at"] or 1e9) < self.now - age]
        assert self.do(self.made.outbox.clean(self.now - age)) == len(ended)
        for row in ended:
            del self.expected[row["request_id"], row["webhook_id"]]
        return multiple()

    @invariant()
    def each_end_is_told_once_to_each_who_asked(self) -> None:
        found = [(row["request_id"], row["webhook_id"]) for row in self.rows()]
        assert sorted(found, key=str) == sorted(self.expected, key=str)

    @invariant()
    def what_waits_has_a_moment_and_somebody_who_wants_it(self) -> None:
        for row in self.rows():
            waits = row["status"] == "pending"
            assert waits == (row["next_at"] is not None) == (row["ended_at"] is None)
            webhook = self.do(self.made.endpoints.get(row["webhook_id"] or "", "key"))
            if waits and row["webhook_id"] is not None:
                assert webhook is not None
                assert webhook.disabled is None
                assert row["url"] == webhook.url
                assert row["lane"] == f"key {webhook.url[7]}:80"
            if self.last.get(row["delivery_id"]) == "good":
                assert row["status"] == "delivered"

    @invariant()
    def lanes_are_where_something_waits(self) -> None:
        firsts: dict[str, int] = {}
        for row in self.rows():
            if row["next_at"] is not None:
                firsts[row["lane"]] = min(firsts.get(row["lane"], 10**9), row["next_at"])
        assert self.do(self.made.outbox.lanes()) == firsts


def test_the_outbox_agrees_with_itself() -> None:
    run_state_machine_as_test(Outbox, settings=settings(max_examples=40, stateful_step_count=30))


def test_the_outbox_agrees_with_itself_on_postgresql(postgres: PostgresServer) -> None:
    url = postgres.fresh()

    class Elsewhere(Outbox):
        def open(self) -> Database:
            database = open_postgres(url)
            tables = "requests, deliveries, webhooks, webhook_secrets, count_parts"
            database.write_now(lambda db: db.execute(f"truncate {tables}"))
            return database

    run_state_machine_as_test(Elsewhere, settings=settings(max_examples=12, stateful_step_count=20))
    postgres.drop(url)
