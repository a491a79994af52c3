"""The worker of the fleet's tests: a real station with one slot.

python worker_process.py NAME DATA_DIR DATABASE LEASE_S DRAIN_S

Says `ready PID` on its standard output, PID being its engine child's, whenever that has changed.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from pathlib import Path

from retake.bootstrap.fleet import work
from retake.queue.data_dir import DataDir
from retake.queue.fleet.claims import Able, Claims
from retake.queue.fleet.rescue import Rescue
from retake.queue.fleet.slot import Slot
from retake.queue.fleet.station import Place, Station
from retake.queue.opening import open_database
from retake.queue.store import Store
from retake.queue.supervisor import Supervisor

NAME, DATA_DIR, DATABASE = sys.argv[1:4]
LEASE_S, DRAIN_S = map(float, sys.argv[4:6])


async def tell(station: Station) -> None:
    said = None
    while True:
        if station.ready and station.pid not in (said, None):
            said = station.pid
            sys.stdout.write(f"ready {said}\n")
            sys.stdout.flush()
        await asyncio.sleep(0.02)


async def main() -> None:
    database = open_database(DataDir(Path(DATA_DIR)), DATABASE)
    claims = Claims(database, Able(NAME, ("none",)), lease_s=LEASE_S)
    store = Store(database, time.time, 60)
    slot = Slot(claims, store, lambda _: None)
    child = [sys.executable, str(Path(__file__).with_name("engine_process.py"))]
    supervisor = Supervisor(
        lambda fd: [*child, str(fd), DATA_DIR, DATABASE, NAME], slot, cancel_s=3
    )
    places = [Place(slot, supervisor)]
    station = Station(DATABASE, claims, Rescue(database), store, places, lambda _: None)
    telling = asyncio.create_task(tell(station))
    await work(station, DRAIN_S)
    telling.cancel()
    database.close()


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, format=f"{NAME} %(process)d %(asctime)s %(levelname)s %(message)s"
    )
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    asyncio.run(main())
