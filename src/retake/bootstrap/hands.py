"""Who works on a server's requests: an engine child of its own, or a fleet of workers."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from retake.bootstrap.storage import remove_handed_over
from retake.core.errors import StorageFailed

if TYPE_CHECKING:
    from retake.queue.data_dir import DataDir
    from retake.queue.fleet.replica import Replica
    from retake.queue.fleet.station import Station
    from retake.settings import Settings
    from retake.storage import Storage

_log = logging.getLogger(__name__)


class Hands(Protocol):
    """Those who work on requests, as a server sees them."""

    @property
    def ready(self) -> bool:
        """Whether requests are worked on."""
        ...

    @property
    def failing(self) -> bool:
        """Whether they cannot even begin."""
        ...

    @property
    def pid(self) -> int | None:
        """The process of an engine child of this server; None without one."""
        ...

    async def start(self) -> None:
        """Let them begin."""
        ...

    async def stop(self) -> None:
        """Let them end; what they work on is taken up again."""
        ...


class FleetHands:
    """The workers of a fleet, and those slots that are this server's own.

    Args:
        replica: What this server hears of the fleet.
        station: Its own slots; None for none.
    """

    def __init__(self, replica: Replica, station: Station | None) -> None:
        self._replica = replica
        self._station = station

    @property
    def ready(self) -> bool:
        """Whether a worker is there, here or elsewhere."""
        return self._replica.ready or (self._station is not None and self._station.ready)

    @property
    def open(self) -> bool:
        """Whether this server can take requests for whoever works, or will."""
        return self._replica.hears

    @property
    def failing(self) -> bool:
        """No: whoever comes may do the work."""
        return False

    @property
    def pid(self) -> int | None:
        """The first of its own children."""
        return None if self._station is None else self._station.pid

    async def start(self) -> None:
        """Hear of the others, and begin with its own."""
        await self._replica.start()
        if self._station is not None:
            await self._station.start()

    async def stop(self) -> None:
        """Hand back what its own work on, and hear no more."""
        if self._station is not None:
            await self._station.stop()
        await self._replica.stop()


def child_command(
    fd: int, data_dir: DataDir, chosen: Settings, slot: str | None = None, engine: str | None = None
) -> list[str]:
    """Return the command line of an engine child.

    Args:
        fd: Its inherited socket.
        data_dir: The data folder.
        chosen: The settings; what the environment does not say is said here.
        slot: Whose steps it records in the database of a fleet; None for those of one machine.
        engine: Which engine it keeps warm; None for the default one.
    """
    worker = [sys.executable, "-m", "retake.cli.main", "worker"]
    storage = [] if chosen.storage is None else ["--storage", chosen.storage]
    fleet = [] if slot is None else ["--slot", slot]
    warm = [] if engine is None else ["--engine", engine]
    where = ["--child-fd", str(fd), "--data-dir", str(data_dir.path)]
    return [*worker, *where, *storage, *fleet, *warm]


def tell_children(chosen: Settings) -> None:
    """Let the children of this process know the database, which a command line would show."""
    os.environ["RETAKE_DATABASE"] = chosen.database.get_secret_value()


def discard_from(storage: Storage) -> Callable[[str], None]:
    """Return what removes the files of a request without a result."""

    def discard(request_id: str) -> None:
        # Its work folder is the child's.
        try:
            storage.delete_tree(f"outputs/{request_id}")
            remove_handed_over(storage, request_id)
        except StorageFailed as error:
            about = {"request_id": request_id}
            _log.error("files of a request could not be removed: %s", error, extra=about)

    return discard


async def until_begun(hands: Hands) -> None:
    """Wait a moment for the process of the server's own child, where it has one."""
    for _ in range(0 if isinstance(hands, FleetHands) else 200):
        if hands.pid is not None:
            return
        await asyncio.sleep(0.005)
