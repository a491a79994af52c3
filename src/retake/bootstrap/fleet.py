"""The parts of a fleet, put together: a worker's slots, and what a server hears of them."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retake.bootstrap.hands import child_command, discard_from, tell_children
from retake.bootstrap.parts import engine_info, engine_infos
from retake.bootstrap.storage import open_storage
from retake.core.errors import BadRequest
from retake.telemetry.logs import set_up_logs

if TYPE_CHECKING:
    from retake.queue.data_dir import DataDir
    from retake.queue.database import Database
    from retake.queue.fleet.station import Place, Station
    from retake.queue.front import MakeFront
    from retake.queue.store import Discard
    from retake.settings import Settings

_log = logging.getLogger(__name__)


def fleet_url(chosen: Settings) -> str | None:
    """Return the database of the fleet; None where there is one machine only.

    Raises:
        BadRequest: The setting `database` is neither (``bad_database``), or `slots` asks for what
            one machine does not do (``slots_need_postgresql``).
    """
    from retake.queue.database.address import postgres_url

    url = postgres_url(chosen.database.get_secret_value())
    if url is None and chosen.slots not in (None, 1):
        raise BadRequest(
            "slots_need_postgresql",
            f"slots is {chosen.slots}; accepted is 1 with the database in the data folder, and any "
            "number with --database postgresql://…",
            param="slots",
        )
    return url


def front_for(chosen: Settings, database: Database, discard: Discard) -> MakeFront | None:
    """Return what makes a server one replica of a fleet; None where there is one machine only.

    Raises:
        BadRequest: See `fleet_url`.
    """
    url = fleet_url(chosen)
    if url is None:
        return None
    from functools import partial

    from retake.queue.fleet.replica import Replica

    return partial(
        Replica,
        url=url,
        database=database,
        discard=discard,
        lease_s=chosen.lease_s,
        engine=chosen.engine,
    )


def make_station(
    chosen: Settings,
    url: str,
    database: Database,
    data_dir: DataDir,
    discard: Discard,
    slots: int,
    engines: Sequence[str],
) -> Station:
    """Return a worker of so many slots; it is not started yet.

    Args:
        chosen: The settings.
        url: The database of the fleet.
        database: The same, open.
        data_dir: Where it works.
        discard: Removes what was stored of a request that ends without a result.
        slots: How many requests it works on at once.
        engines: Which engines it has; the first is kept warm.

    Raises:
        BadRequest: There is no such engine.
    """
    from retake.queue.fleet.claims import Able, Claims
    from retake.queue.fleet.rescue import Rescue
    from retake.queue.fleet.slot import Slot
    from retake.queue.fleet.station import Place, Station
    from retake.queue.store import Store
    from retake.queue.supervisor import Supervisor

    for engine in engines:
        engine_info(engine, chosen)
    host = socket.gethostname()
    able = Able(f"{host}.{os.getpid()}.{secrets.token_hex(4)}", tuple(engines), slots)
    most = chosen.max_processing_per_key
    claims = Claims(database, able, lease_s=chosen.lease_s, most_of_key=most)
    store = Store(database, time.time, chosen.idempotency_ttl_s)

    def place(number: int) -> Place:
        slot = Slot(claims, store, discard)
        name = f"{host}:{engines[0]}:{number}"

        def command(fd: int) -> list[str]:
            return child_command(fd, data_dir, chosen, name, engines[0])

        return Place(slot, Supervisor(command, slot))

    places = [place(number) for number in range(slots)]
    return Station(url, claims, Rescue(database), store, places, discard)


def work_until_drained(chosen: Settings, engines: Sequence[str]) -> None:
    """Be a worker of a fleet until SIGTERM or Ctrl-C.

    The first signal lets it finish what it has, for as long as `drain_s` says; the second ends it
    at once. What is not finished is handed back, and goes on elsewhere behind its last step.

    Args:
        chosen: The settings.
        engines: Which engines it has; all that this machine can use when empty.

    Raises:
        BadRequest: There is no such engine, or no database that machines share
            (``worker_needs_postgresql``).
        StorageFailed: The database or the data folder cannot be used.
    """
    import uvloop

    from retake.queue.data_dir import DataDir
    from retake.queue.opening import open_database

    url = fleet_url(chosen)
    if url is None:
        raise BadRequest(
            "worker_needs_postgresql",
            "a worker needs the database that its servers use: --database postgresql://… (or "
            "RETAKE_DATABASE); on one machine `retake serve` does the work itself",
            param="database",
        )
    set_up_logs(chosen.log_level, chosen.log_format)
    tell_children(chosen)
    data_dir = DataDir(chosen.data_dir)
    if chosen.storage is None:
        _log.warning("files lie in %s; machines share them with --storage s3://…", data_dir.path)
    database = open_database(data_dir, url)
    discard = discard_from(open_storage(chosen, data_dir))
    slots = 1 if chosen.slots is None else chosen.slots
    station = make_station(
        chosen, url, database, data_dir, discard, slots, engines or [*engine_infos(chosen)]
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(station, chosen.drain_s))
    database.close()


async def work(station: Station, drain_s: float) -> None:
    """Let a worker work until SIGTERM or Ctrl-C, and end it as `work_until_drained` says."""
    told, told_again = asyncio.Event(), asyncio.Event()

    def tell() -> None:
        (told_again if told.is_set() else told).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    await station.start()
    _log.info("worker %s is there", station.name)
    await told.wait()
    _log.info("%d requests may finish, for %g s at most", station.busy, drain_s)
    drained = asyncio.create_task(station.drain(drain_s))
    at_once = asyncio.create_task(told_again.wait())
    await asyncio.wait({drained, at_once}, return_when=asyncio.FIRST_COMPLETED)
    drained.cancel()
    await station.stop()
    at_once.cancel()
