"""One engine slot of a worker: what its supervisor gets from the claims, and tells them.

A slot has one request at most. It claims the next one when its child is free, not before: a
request that waits here could be worked on elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from retake.core.errors import StorageFailed
from retake.core.request import Status
from retake.core.watch import Stage
from retake.queue.desk import EngineLink
from retake.queue.fleet.claim import Claim
from retake.queue.fleet.claims import Claims
from retake.queue.fleet.held import Held
from retake.queue.observer import Observer, Unobserved
from retake.queue.progress import stage_named
from retake.queue.store import Discard, Store
from retake.queue.telling import ending

_log = logging.getLogger(__name__)

_TELL_EVERY_S = 1.0
"""How often progress within a stage is told to the others, in seconds."""


class Slot:
    """The desk of one engine child. Everything here is called on the event loop.

    Args:
        claims: The worker's claims.
        store: The requests.
        discard: Removes what was stored of a request that ends without a result; on a thread.
        clock: Gives monotonic time in seconds.

    Attributes:
        observer: Is told what happens to requests.
        open: Whether it may claim; a worker that is drained claims nothing more.
        on_ready: Called when a child has become ready.
    """

    def __init__(
        self,
        claims: Claims,
        store: Store,
        discard: Discard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._claims = claims
        self._store = store
        self._discard = discard
        self._clock = clock
        self.observer: Observer = Unobserved()
        self.open = True
        self._held: Held | None = None
        self._link: EngineLink | None = None
        self._asks = False
        self._claiming: asyncio.Task[None] | None = None
        self._again = False
        self._failed = False
        self.on_ready: Callable[[], None] | None = None

    @property
    def dispatch(self) -> Slot:
        """The slot itself is its supervisor's desk."""
        return self

    @property
    def claim(self) -> Claim | None:
        """What the slot has now."""
        return None if self._held is None else self._held.claim

    def look(self) -> None:
        """Take note that a request may be waiting: claim one if the child is free."""
        if self._held is not None or not (self.open and self._asks):
            return
        if self._claiming is None or self._claiming.done():
            self._claiming = asyncio.create_task(self._claim_next(), name="claim")
        else:
            self._again = True

    def look_again(self) -> None:
        """Claim where that has failed before."""
        if self._failed:
            self.look()

    def cancel(self, request_id: str) -> None:
        """Let the child stop working on a request, if it does."""
        if self._has(request_id) and self._link is not None:
            self._link.cancel(request_id)

    def check(self, attempts: dict[str, int]) -> None:
        """Compare what the slot has with what is still the worker's."""
        claim = self.claim
        if claim is not None and attempts.get(claim.request_id) != claim.attempt:
            self._lose(claim.request_id)

    async def give_back(self) -> None:
        """Let another worker go on with what the slot has; the child must be gone."""
        if self._claiming is not None:
            await asyncio.wait([self._claiming])
        held, self._held = self._held, None
        if held is not None:
            await self._claims.give_back(held.claim)

    # For the supervisor.

    def attach(self, link: EngineLink) -> None:
        """Name the supervisor."""
        self._link = link

    async def kept(self) -> list[str]:
        """Return the requests that somebody works on: their folders may be of use again."""
        return await self._claims.unended()

    def admitted(self) -> list[str]:
        """Return the request that the slot has."""
        return [] if self._held is None else [self._held.claim.request_id]

    def admit(self) -> str | None:
        """Return the claimed request once; where there is none, one is claimed."""
        if not self._asks and self.on_ready is not None:
            self.on_ready()
        self._asks = True
        if self._held is None:
            self.look()
            return None
        if self._held.sent:
            return None
        self._held.sent = True
        return self._held.claim.request_id

    def for_engine(self, request_id: str) -> dict[str, Any]:
        """Return what the child needs of the request.

        Raises:
            LookupError: The slot does not have it.
        """
        if not self._has(request_id) or self._held is None:
            raise LookupError(request_id)
        return {**self._held.request, "attempt": self._held.claim.attempt}

    async def begun(self, request_id: str) -> bool:
        """Note that the child works on it; False when the slot does not have it."""
        held = self._held
        if held is None or not self._has(request_id):
            return False
        self.observer.begun(request_id, held.model, held.stage, held.trace)
        return True

    async def progressed(self, request_id: str, stage_name: str, done: int, total: int) -> None:
        """Note how far the child is: each stage at once, what is in between now and then."""
        stage, held = stage_named(stage_name), self._held
        if held is None or stage is None or not self._has(request_id):
            return
        now = self._clock()
        if stage is not held.stage:
            held.stage, held.told_at = stage, now
            self.observer.entered(request_id, stage)
            ours = await self._claims.enter(held.claim, stage.value)
        elif now - held.told_at >= _TELL_EVERY_S:
            held.told_at = now
            ours = await self._claims.progress(held.claim, done, total)
        else:
            return
        if not ours and self._held is held:
            self._lose(request_id)

    async def ended(self, request_id: str, result: dict[str, Any]) -> bool:
        """Note how the request ended; False when it is not the slot's any more.

        Raises:
            StorageFailed: It could not be written; the child says it again.
        """
        held = self._held
        if held is None or not self._has(request_id):
            return False
        status, outcome, error = ending(request_id, result)
        ours = await self._claims.end(held.claim, status, outcome=outcome, error=error)
        if ours and status is not Status.SUCCESS:
            # Only now: until then it might be another's work. What a kill in between leaves
            # behind is swept up with the orphans.
            await asyncio.to_thread(self._discard, request_id)
        if ours:
            code = None if error is None else str(error.get("code"))
            self.observer.ended(request_id, held.model, status.value, code)
        else:
            _log.warning("request %s was given to another worker meanwhile", request_id)
        if self._held is held:
            self._held = None
            self.look()
        return ours

    async def child_lost(self, *, crashed: bool, killed: bool) -> None:
        """Note that the child is gone: any worker whose child is ready goes on."""
        self._asks = False
        held, self._held = self._held, None
        if held is not None:
            await self._claims.give_back(
                held.claim, crashes=int(crashed), losses=int(killed and not crashed)
            )

    def _has(self, request_id: str) -> bool:
        return self._held is not None and self._held.claim.request_id == request_id

    def _lose(self, request_id: str) -> None:
        """Stop work that somebody else does by now."""
        self._held, self._asks = None, False
        if self._link is not None:
            self._link.end_child(f"its lease on request {request_id} ran out")

    async def _claim_next(self) -> None:
        self._again = True
        while self._again and self._held is None and self.open and self._asks:
            self._again = self._failed = False
            try:
                claim = await self._claims.take()
                if claim is None:
                    continue
                await self._hold(claim)
            except StorageFailed as error:
                _log.warning("nothing can be claimed: %s", error)
                self._failed = True
                return

    async def _hold(self, claim: Claim) -> None:
        record = await self._store.existing(claim.request_id)
        if not (self.open and self._asks):
            await self._claims.give_back(claim)
            return
        stage = stage_named(claim.stage) or Stage.FETCH
        self._held = Held(claim, record.for_engine(), record.model, record.trace, stage)
        if self._link is not None:
            self._link.wake()
        # Whoever cancelled it a moment ago told a worker that did not know of it yet.
        if claim.request_id in await self._claims.asked():
            self.cancel(claim.request_id)
