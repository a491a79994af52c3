"""A worker: its slots, the beat that keeps what they have, and what it hears from the database.

station = Station(url, claims, rescue, store, places, discard)
station.start()
…
await station.drain(within_s=600)    # claims nothing more; what runs may finish meanwhile
await station.stop()                 # gives back what still runs, and ends the children
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from retake.core.errors import StorageFailed
from retake.queue.fleet.claims import Claim, Claims
from retake.queue.fleet.ears import Ears
from retake.queue.fleet.rescue import Rescue
from retake.queue.fleet.rescuer import Rescuer
from retake.queue.fleet.slot import Slot
from retake.queue.store import Discard, Store
from retake.queue.supervisor import Supervisor

_log = logging.getLogger(__name__)

_BEATS = 3
"""So many beats of the heart go to a lease: one may be missed, or even two."""
_LAST_WORD_S = 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """A slot and who keeps its child alive."""

    slot: Slot
    supervisor: Supervisor


class Station:
    """A worker process.

    Args:
        url: The database, to be listened to.
        claims: The worker's claims.
        rescue: What it does for workers that are gone.
        store: The requests.
        places: Its slots.
        discard: Removes what was stored of a request that ends without a result.
    """

    def __init__(
        self,
        url: str,
        claims: Claims,
        rescue: Rescue,
        store: Store,
        places: Sequence[Place],
        discard: Discard,
    ) -> None:
        self._claims = claims
        self._places = places
        self._ears = Ears(
            url,
            {"retake_waiting": self._waiting, "retake_cancel": self._cancel},
            self._again,
        )
        beat_s = claims.lease_s / _BEATS
        self._beat_s = beat_s
        self._rescuer = Rescuer(
            rescue, discard, lambda: self._ears.since, beat_s + 1, store.cancel, claims.lease_s
        )
        self._strays: set[tuple[str, int]] = set()
        self._beat_now = asyncio.Event()
        for place in places:
            place.slot.on_ready = self._beat_now.set
        self._heart: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a child of it can take requests."""
        return any(place.supervisor.ready for place in self._places)

    @property
    def name(self) -> str:
        """The worker's name."""
        return self._claims.worker

    @property
    def pid(self) -> int | None:
        """The process of its first child; None while there is none."""
        return self._places[0].supervisor.pid if self._places else None

    @property
    def busy(self) -> int:
        """How many requests it works on."""
        return sum(place.slot.claim is not None for place in self._places)

    async def start(self) -> None:
        """Start the children, and begin to claim as soon as they are ready."""
        self._heart = asyncio.create_task(self._beat(), name="heart")
        self._ears.start()
        self._rescuer.start()
        for place in self._places:
            await place.supervisor.start()

    async def drain(self, within_s: float) -> bool:
        """Claim nothing more; return once nothing is worked on, or after `within_s` seconds.

        Returns:
            Whether everything was finished.
        """
        for place in self._places:
            place.slot.open = False
        with suppress(StorageFailed):
            await self._claims.leave()
        until = asyncio.get_running_loop().time() + within_s
        while self.busy and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        return not self.busy

    async def stop(self) -> None:
        """End the children and give back what they worked on, which loses nothing.

        Where the database does not answer, the leases run out instead.
        """
        for place in self._places:
            place.slot.open = False
        await asyncio.gather(*(place.supervisor.stop() for place in self._places))
        with suppress(StorageFailed, TimeoutError):
            await asyncio.wait_for(self._leave(), _LAST_WORD_S)
        await self._ears.stop()
        await self._rescuer.stop()
        if self._heart is not None:
            self._heart.cancel()
            with suppress(asyncio.CancelledError):
                await self._heart

    async def _leave(self) -> None:
        for place in self._places:
            await place.slot.give_back()
        await self._claims.leave()

    async def _beat(self) -> None:
        while True:
            pause_s = self._beat_s
            try:
                await self._renew()
            except StorageFailed as error:
                _log.warning("the leases could not be renewed: %s", error)
                pause_s = min(pause_s, 1.0)
            except Exception:  # noqa: BLE001 - without a heart the worker would lose all it has
                _log.exception("the heart stumbled")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._beat_now.wait(), pause_s)
            self._beat_now.clear()

    async def _renew(self) -> None:
        # Claims that are made meanwhile are not in the answer, so those of before are compared.
        before = {place: place.slot.claim for place in self._places}
        ready = sum(place.supervisor.ready for place in self._places)
        attempts, asked = await self._claims.renew(ready)
        for place, claim in before.items():
            if claim is not None and place.slot.claim == claim:
                place.slot.check(attempts)
        for request_id in asked:
            self._cancel(request_id)
        await self._give_back_strays(attempts)
        for place in self._places:
            place.slot.look_again()

    async def _give_back_strays(self, attempts: dict[str, int]) -> None:
        """Give back what is the worker's and no slot has.

        It comes of a database that went away in the wrong moment. A claim that is being made looks
        the same, so what was not there a beat ago is left alone.
        """
        held = {place.slot.claim for place in self._places}
        strays = {
            (request_id, attempt)
            for request_id, attempt in attempts.items()
            if not any(c and (c.request_id, c.attempt) == (request_id, attempt) for c in held)
        }
        for request_id, attempt in strays & self._strays:
            _log.warning("request %s is given back: it was claimed, and not begun", request_id)
            await self._claims.give_back(Claim(request_id, attempt))
        self._strays = strays

    def _waiting(self, _engine: str) -> None:
        for place in self._places:
            place.slot.look()

    def _cancel(self, request_id: str) -> None:
        self._rescuer.look()
        for place in self._places:
            place.slot.cancel(request_id)

    def _again(self) -> None:
        self._beat_now.set()
        self._rescuer.look()
        self._waiting("")
