"""Who gets which request next, and that only who has it may write: on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.fleet.claims import Able, Claims
from retake.queue.opening import open_database
from tests.fleet.conftest import Fleet, do, finish, taken
from tests.postgres import PostgresServer


def order(fleet: Fleet, worker_name: str = "w", most: int = 100) -> list[str]:
    """Claim and finish until nothing waits."""
    worker, names = fleet.worker(worker_name), list[str]()
    while len(names) < most and (claim := do(worker.take())) is not None:
        names.append(claim.request_id)
        assert finish(worker, claim)
    return names


def test_the_oldest_goes_first_and_is_processing_at_once(fleet: Fleet) -> None:
    first, second = fleet.submit(), fleet.submit()
    worker = fleet.worker("w")
    claim = taken(worker)
    assert (claim.request_id, claim.attempt) == (first, 1)
    record = fleet.get(first)
    assert (record.status, record.started_at) == (Status.PROCESSING, int(fleet.time))
    assert taken(fleet.worker("v")).request_id == second
    assert do(worker.take()) is None


def test_one_keys_thousand_requests_delay_another_keys_first_by_none(fleet: Fleet) -> None:
    many = fleet.submit_many("busy", 1000)
    assert order(fleet, most=3) == many[:3]
    alone, next_one = fleet.submit("alone"), fleet.submit("alone")
    assert order(fleet, most=4) == [alone, many[3], next_one, many[4]]


def test_a_keys_requests_go_by_priority_and_cost_others_nothing(fleet: Fleet) -> None:
    names = [fleet.submit("a", priority=priority) for priority in (0, -1, 1, 1)]
    other = fleet.submit("b", priority=-1)
    assert order(fleet) == [names[2], other, names[3], names[0], names[1]]


def test_a_key_gets_no_more_at_once_than_it_may(fleet: Fleet) -> None:
    names = [fleet.submit("a") for _ in range(3)]
    other = fleet.submit("b")
    worker = fleet.worker("w", most_of_key=2)
    first, second, third = taken(worker), taken(worker), taken(worker)
    assert [each.request_id for each in (first, second, third)] == [names[0], other, names[1]]
    assert do(worker.take()) is None
    assert finish(worker, first)
    assert taken(worker).request_id == names[2]


def test_a_worker_gets_only_what_its_engines_and_its_protocol_can_do(fleet: Fleet) -> None:
    large, new = fleet.submit(engine="ltx"), fleet.submit(needs=2)
    assert do(fleet.worker("cpu").take()) is None
    assert taken(fleet.worker("gpu", "vfx", "ltx")).request_id == large
    upgraded = fleet.worker("upgraded", protocol=2)
    claim = taken(upgraded)
    assert claim.request_id == new
    # What an upgraded worker leaves behind is not for the others either.
    assert do(upgraded.give_back(claim))
    assert do(fleet.worker("cpu").take()) is None
    assert taken(upgraded).request_id == new


def test_a_worker_that_is_gone_loses_its_request_to_another(fleet: Fleet) -> None:
    name = fleet.submit()
    dead, alive = fleet.worker("dead"), fleet.worker("alive")
    lost = taken(dead)
    assert do(dead.enter(lost, "generate"))
    fleet.time += 9
    assert do(fleet.rescue.drop_overdue()) == []
    assert do(fleet.rescue.next_s()) == 1.0
    fleet.time += 1
    assert do(fleet.rescue.drop_overdue()) == [name]
    assert fleet.get(name).status is Status.PROCESSING
    fleet.submit("waits")
    claim = taken(alive)
    # What was begun goes on before anything else begins, and where it had come to.
    assert (claim.request_id, claim.attempt, claim.stage) == (name, 2, "generate")


def test_a_worker_that_wakes_up_too_late_can_write_nothing(fleet: Fleet) -> None:
    name = fleet.submit()
    stale, other = fleet.worker("stale"), fleet.worker("other")
    old = taken(stale)
    fleet.time += 11
    do(fleet.rescue.drop_overdue())

    def is_fenced() -> bool:
        before = fleet.get(name)
        told = [
            do(stale.progress(old, 1, 2)),
            do(stale.enter(old, "render")),
            do(stale.end(old, Status.FAILED, error={"code": "x"})),
            do(stale.give_back(old, crashes=1)),
        ]
        return told == [False] * 4 and fleet.get(name) == before

    assert is_fenced()
    new = taken(other)
    assert is_fenced()
    assert do(stale.renew()) == ({}, [])
    assert do(other.renew()) == ({name: 2}, [])
    assert finish(other, new)
    assert is_fenced()
    assert not finish(other, new)


def test_a_lease_that_is_renewed_does_not_run_out(fleet: Fleet) -> None:
    name = fleet.submit()
    worker = fleet.worker("w")
    claim = taken(worker)
    for _ in range(5):
        fleet.time += 8
        assert do(worker.renew()) == ({name: 1}, [])
        assert do(fleet.rescue.drop_overdue()) == []
    assert finish(worker, claim)


def test_a_request_that_kills_its_engine_thrice_fails(fleet: Fleet) -> None:
    name = fleet.submit()
    worker = fleet.worker("w")
    for _ in range(3):
        assert do(fleet.rescue.doomed()) == []
        assert do(worker.give_back(taken(worker), crashes=1))
    assert do(worker.take()) is None
    (doomed,) = do(fleet.rescue.doomed())
    assert do(fleet.rescue.end(doomed))
    record = fleet.get(name)
    assert (record.status, (record.error or {})["code"]) == (Status.FAILED, "crashed_engine")
    assert not do(fleet.rescue.end(doomed))


def test_workers_that_are_lost_one_after_the_other_end_a_request_too(fleet: Fleet) -> None:
    name = fleet.submit()
    for n in range(5):
        taken(fleet.worker(f"w{n}"))
        fleet.time += 20
        assert do(fleet.rescue.drop_overdue()) == [name]
    (doomed,) = do(fleet.rescue.doomed())
    assert (doomed.error or {})["code"] == "lost_workers"


def test_giving_back_costs_nothing_however_often(fleet: Fleet) -> None:
    name = fleet.submit()
    worker = fleet.worker("w")
    for n in range(9):
        claim = taken(worker)
        assert claim.attempt == n + 1
        assert do(worker.give_back(claim))
    assert do(fleet.rescue.doomed()) == []
    assert fleet.get(name).status is Status.PROCESSING


def test_a_cancelled_request_is_told_to_its_worker_or_ended_without_one(fleet: Fleet) -> None:
    name = fleet.submit()
    worker = fleet.worker("w")
    claim = taken(worker)
    assert do(fleet.store.cancel(name)) is False
    assert do(worker.renew()) == ({name: 1}, [name])
    fleet.time += 20
    assert do(fleet.rescue.drop_overdue()) == [name]
    assert do(worker.take()) is None
    (doomed,) = do(fleet.rescue.doomed())
    assert do(fleet.rescue.end(doomed))
    assert fleet.get(name).status is Status.CANCELLED
    assert not do(worker.end(claim, Status.SUCCESS, outcome={}))


def test_who_takes_too_long_is_found(fleet: Fleet) -> None:
    name = fleet.submit(cancel_at=int(fleet.time) + 5)
    assert do(fleet.rescue.late()) == []
    assert do(fleet.rescue.next_s()) == 5
    fleet.time += 5
    assert do(fleet.rescue.late()) == [name]
    do(fleet.store.cancel(name))
    assert do(fleet.rescue.late()) == []
    assert do(fleet.rescue.next_s()) is None


def test_many_workers_at_once_get_each_request_once_and_in_turns(fleet: Fleet) -> None:
    for n in range(40):
        fleet.submit(f"key{n % 4}")

    async def work() -> list[str]:
        workers = [fleet.worker(f"w{n}") for n in range(10)]
        claims = await asyncio.gather(*(worker.take() for worker in workers * 2))
        return [claim.request_id for claim in claims if claim]

    names = do(work())
    assert len(set(names)) == len(names) == 20
    assert set(Counter(name.partition("-")[0] for name in names).values()) == {5}


def test_processes_that_claim_at_once_get_each_request_once_and_in_turns(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.fresh()
    databases = [open_database(DataDir(tmp_path), url) for _ in range(4)]
    fleet = Fleet(databases[0])
    for key_id in "abcd":
        fleet.submit_many(key_id, 30)
    able = [Able(f"w{n}", ("vfx",)) for n in range(4)]
    workers = [Claims(*each) for each in zip(databases, able, strict=True)]

    async def work(worker: Claims) -> list[str]:
        claims = [await worker.take() for _ in range(15)]
        return [claim.request_id for claim in claims if claim]

    async def all_at_once() -> list[list[str]]:
        return await asyncio.gather(*map(work, workers))

    names = [name for part in do(all_at_once()) for name in part]
    assert len(set(names)) == len(names) == 60
    assert Counter(name.partition("-")[0] for name in names) == dict.fromkeys("abcd", 15)
    for database in databases:
        database.close()


def test_a_keys_limit_holds_though_workers_for_different_engines_claim_at_once(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.fresh()
    databases = [open_database(DataDir(tmp_path), url) for _ in range(2)]
    fleet = Fleet(databases[0])
    workers = [
        Claims(database, Able(engine, (engine,)), most_of_key=1)
        for database, engine in zip(databases, ("vfx", "ltx"), strict=True)
    ]
    for _ in range(25):
        for engine in ("vfx", "ltx"):
            fleet.submit("key", engine)

    async def both() -> list[bool]:
        claims = await asyncio.gather(*(worker.take() for worker in workers))
        for worker, claim in zip(workers, claims, strict=True):
            if claim is not None:
                await worker.end(claim, Status.SUCCESS, outcome={})
        return [claim is not None for claim in claims]

    async def rounds() -> list[int]:
        return [sum(await both()) for _ in range(25)]

    assert do(rounds()) == [1] * 25
    for database in databases:
        database.close()


def test_readiness_is_that_of_workers_that_were_heard_of(fleet: Fleet) -> None:
    worker = fleet.worker("w", "vfx", "ltx")
    assert not do(fleet.rescue.ready("vfx"))
    do(worker.renew())
    assert do(fleet.rescue.ready("vfx"))
    assert do(fleet.rescue.ready("ltx"))
    assert not do(fleet.rescue.ready("lt"))
    fleet.time += 11
    assert not do(fleet.rescue.ready("vfx"))
    do(worker.renew())
    do(worker.leave())
    assert not do(fleet.rescue.ready("vfx"))
