"""Every page and every total, against a list that is filtered by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from itertools import product

import pytest

from retake.core.request import Status
from retake.queue import listing, statements
from retake.queue.database import Dialect
from retake.queue.listing import Wanted
from retake.queue.record import NewRequest, Record
from retake.queue.requests import Requests
from tests.databases import DIALECTS, Place

MODELS = ("a", "b", "c")
ENDS = (
    None,
    {"status": "success", "outcome": {}},
    {"status": "cancelled"},
    {"status": "failed", "error": {}},
)


@pytest.fixture(scope="module", params=DIALECTS)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Record], Requests]]:
    """Two hundred requests of two keys, several in a second, in every state."""
    server = None if request.param == "sqlite" else request.getfixturevalue("postgres")
    setting = "sqlite" if server is None else server.fresh()
    chance = random.Random(7)
    time = [1000.0]
    place = Place(tmp_path_factory.mktemp("listing"), setting)
    requests = place.requests(now=lambda: time[0], slots=1000)

    async def make() -> None:
        for n in range(200):
            time[0] += chance.choice((0, 0, 0.4, 1, 3))
            key, model = chance.choice(("key", "key", "other")), chance.choice(MODELS)
            await requests.create(NewRequest(f"r{n}", key, model, "vfx", {}, "url:x", 1))
        while requests.dispatch.admit():
            pass
        for n in range(200):
            if chance.random() < 0.8:
                await requests.dispatch.begun(f"r{n}")
            if end := chance.choice(ENDS):
                await requests.dispatch.ended(f"r{n}", end)

    asyncio.run(make())
    both = product(range(200), ("key", "other"))
    everything = [asyncio.run(requests.get(f"r{n}", key)) for n, key in both]
    yield [record for record in everything if record][::-1], requests
    requests.close()


def by_hand(records: list[Record], wanted: Wanted) -> list[str]:
    return [
        record.request_id
        for record in records
        if record.key_id == "key"
        and wanted.model in {None, record.model}
        and wanted.status in {None, record.status}
        and (wanted.since is None or record.created_at >= wanted.since)
        and (wanted.until is None or record.created_at < wanted.until)
    ]


def test_lists_are_those_filtered_by_hand(made: tuple[list[Record], Requests]) -> None:
    records, requests = made
    moments = sorted({record.created_at for record in records})
    times = [None, moments[0], moments[len(moments) // 2], moments[-1], moments[-1] + 1]
    for model, status, since, until in product(
        (None, *MODELS, "no"), (None, *Status), times, times
    ):
        wanted = Wanted(model, status, since, until)
        listed, total = asyncio.run(requests.list("key", wanted, limit=1000))
        expected = by_hand(records, wanted)
        assert [record.request_id for record in listed] == expected, wanted
        assert total == len(expected), wanted


@pytest.mark.parametrize("size", [1, 7, 50])
@pytest.mark.parametrize(
    "wanted", [Wanted(), Wanted("a"), Wanted(status=Status.SUCCESS), Wanted(since=1040, until=1100)]
)
def test_pages_join_without_gap_or_overlap(
    made: tuple[list[Record], Requests], size: int, wanted: Wanted
) -> None:
    records, requests = made
    expected, joined, before = by_hand(records, wanted), [], None
    while page := asyncio.run(requests.list("key", wanted, limit=size, before=before))[0]:
        joined += [record.request_id for record in page]
        before = joined[-1]
    assert joined == expected


def test_a_range_of_time_is_counted_only_so_far(
    made: tuple[list[Record], Requests], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 20)
    _, requests = made
    assert asyncio.run(requests.list("key", Wanted(since=0)))[1] == 20
    assert asyncio.run(requests.list("key", Wanted("a", since=0)))[1] == 20
    assert asyncio.run(requests.list("key", Wanted()))[1] > 100


def test_a_page_is_read_off_an_index(made: tuple[list[Record], Requests]) -> None:
    _, requests = made
    database = requests._store._database
    if database.dialect is not Dialect.SQLITE:
        pytest.skip("PostgreSQL plans by what it knows of the rows, not by the indexes alone")
    reader = database._reading
    seen: list[str] = []
    reader.set_trace_callback(seen.append)
    for wanted in (
        Wanted(),
        Wanted("a"),
        Wanted(status=Status.FAILED),
        Wanted("a", since=1, until=9),
    ):
        before = "r190" if asyncio.run(requests.holds("r190", "key")) else None
        asyncio.run(requests.list("key", wanted, before=before))
    asyncio.run(requests.changed("key", 1000))
    reader.set_trace_callback(None)
    for statement in seen:
        plan = reader.execute(f"explain query plan {statement}").fetchall()
        steps = " / ".join(row["detail"] for row in plan)
        assert "SCAN requests" not in steps, (statement, steps)


def test_what_changed_since_comes_in_the_order_of_change(
    made: tuple[list[Record], Requests],
) -> None:
    records, requests = made
    mine = sorted((r.updated_at, r.place) for r in records if r.key_id == "key")
    got, since = [], mine[0][0]
    while changed := asyncio.run(requests.changed("key", since, 9)):
        got += [(record.updated_at, record.place) for record in changed]
        since = changed[-1]
    assert got == mine
    late = mine[-1][0]
    assert [r.updated_at for r in asyncio.run(requests.changed("key", late, 1000))] == [
        t for t, _ in mine if t == late
    ]


def test_a_start_does_not_look_at_every_request(made: tuple[list[Record], Requests]) -> None:
    _, requests = made
    database = requests._store._database
    if database.dialect is not Dialect.SQLITE:
        pytest.skip("PostgreSQL plans by what it knows of the rows, not by the indexes alone")
    reader = database._reading
    for statement in (statements.ASKED, statements.CANCEL_ASKED, statements.UNFINISHED):
        plan = reader.execute(f"explain query plan {statement}", {"now": 0}).fetchall()
        assert all("requests_unfinished" in row["detail"] for row in plan), statement
    plan = reader.execute(f"explain query plan {statements.DEADLINES}").fetchall()
    assert all("requests_by_deadline" in row["detail"] for row in plan)
