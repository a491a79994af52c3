"""Webhooks on PostgreSQL: of several servers one tells them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from retake.queue.database.postgres.sole import Duty, Sole
from tests.postgres import PostgresServer
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Receiver, until


def test_one_of_two_servers_tells_a_webhook_and_the_other_takes_over(
    tmp_path: Path, postgres: PostgresServer, receiver: Receiver
) -> None:
    url = postgres.fresh()
    with (
        closing(Telling(tmp_path / "a", database=url)) as one,
        closing(Telling(tmp_path / "b", database=url)) as other,
    ):
        servers = (one, other)
        for each in servers:
            each.do(each.notifier.stop())
            each.sole = each.call(lambda each=each: sole_of(each, url))
        until(lambda: any(each.sole.doing for each in servers))
        for n, each in enumerate(servers):
            # Whoever accepts it and whoever ends it: it is told once.
            each.done(webhook=receiver.url)
            assert len(receiver.wait(n + 1)) == n + 1
        assert sum(each.sole.doing is not None for each in servers) == 1
        first = next(each for each in servers if each.sole.doing is not None)
        second = other if first is one else one
        first.do(first.sole.stop())
        webhook = second.webhook(receiver.url)
        tested = second.post(f"/webhooks/{webhook['webhook_id']}/test")
        assert tested.json()["status"] == "delivered"
        assert len(receiver.wait(3)) == 3
        second.do(second.sole.stop())
    postgres.drop(url)


def sole_of(server: Telling, url: str) -> Sole:
    def duty() -> Duty:
        return server.new_notifier()

    sole = Sole(url, "retake webhooks", duty, every_s=0.1)
    sole.start()
    return sole
