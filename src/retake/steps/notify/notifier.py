"""Delivering what is in the outbox: at least once, and without asking for it over and over."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from retake.core.errors import RetakeError, StorageFailed
from retake.queue.webhooks import Attempt, Delivery, Webhooks
from retake.queue.webhooks.verdict import Verdict
from retake.steps.fetch.resolve import Resolver, system_resolver
from retake.steps.notify.lanes import Lanes, Width
from retake.steps.notify.post import Posted, post
from retake.steps.notify.retries import Patience, verdict
from retake.steps.notify.sign import signed_headers

_log = logging.getLogger(__name__)

Message = Callable[[Delivery], Awaitable[bytes]]
"""``await message(delivery)`` returns the body, made anew for each try.

It raises a RetakeError where nothing is to be told any more."""

_CLEAN_EVERY_S = 3600
_SOON_S = 0.02
_GRACE_S = 3.0
_AFTER_MISTAKE_S = 60
_AWAY_S = 3


def _nothing(_attempt: Attempt) -> None:
    return


class Notifier:
    """Sends the outbox's messages; on the server's event loop.

    Args:
        webhooks: Who is to be told, and what.
        message: Makes a message's body.
        timeout_s: How long a try may take, in seconds.
        allow_private: Whether private and loopback addresses may be reached.
        patience: How long it is tried.
        width: How many messages are on their way at once.
        now: Gives Unix time in seconds.
        resolve: Turns a host name into addresses.
        told: Called with every try that was made.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        message: Message,
        *,
        timeout_s: float = 15.0,
        allow_private: bool = False,
        patience: Patience | None = None,
        width: Width | None = None,
        now: Callable[[], float] = time.time,
        resolve: Resolver = system_resolver,
        told: Callable[[Attempt], None] = _nothing,
    ) -> None:
        self._endpoints, self._outbox = webhooks.endpoints, webhooks.outbox
        self._message = message
        self._timeout_s, self._allow_private = timeout_s, allow_private
        self._patience = patience or Patience()
        self._now, self._resolve = now, resolve
        self._told = told
        self._lanes = Lanes(width or Width())
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._place, self._clean_at = 0, 0.0

    @property
    def under_way(self) -> int:
        """How many messages are on their way now."""
        return self._lanes.under_way

    def start(self) -> None:
        """Begin with what was left when the server last ended; on the event loop."""
        self._outbox.on_change = self._look_soon
        self._outbox.on_lane = self._look_at
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send nothing more; what is on its way has some seconds to arrive, or is sent again."""
        if self._soon is not None:
            self._soon.cancel()
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait([self._loop])
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def wake(self) -> None:
        """Look at once whether something is due: the clock was moved, say."""
        self._woken.set()

    def _look_soon(self) -> None:
        # Thousands of requests may change in a second, most of them with nobody to tell.
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(_SOON_S, self._wake_soon)

    def _wake_soon(self) -> None:
        self._soon = None
        self._woken.set()

    def _look_at(self, lane: str) -> None:
        self._lanes.look_at(lane, self._now())
        self._woken.set()

    async def _run(self) -> None:
        begun = False
        while True:
            try:
                if not begun:
                    await self._take_up()
                    begun = True
                self._woken.clear()
                await self._look()
                await self._rest()
            except Exception as error:  # noqa: BLE001 - whatever it is, the outbox keeps what is in it
                away = isinstance(error, StorageFailed)
                wait_s = _AWAY_S if away else _AFTER_MISTAKE_S
                _log.error("webhooks are delivered again in %d s", wait_s, exc_info=not away)
                await asyncio.sleep(wait_s)

    async def _take_up(self) -> None:
        """Begin with what was left when the server last ended."""
        self._place = await self._outbox.last_place()
        for lane, at in (await self._outbox.lanes()).items():
            self._lanes.look_at(lane, at)

    async def _look(self) -> None:
        """Send what is due."""
        lanes, self._place = await self._outbox.new(self._place)
        for lane in lanes:
            self._lanes.look_at(lane, self._now())
        while lane := self._lanes.due(self._now()):
            await self._send(lane)
        if self._now() >= self._clean_at:
            self._clean_at = self._now() + _CLEAN_EVERY_S
            self._begin(self._clean())

    async def _rest(self) -> None:
        at = self._lanes.next_at()
        most_s = self._outbox.look_s or _CLEAN_EVERY_S
        wait_s = most_s if at is None else min(at - self._now(), most_s)
        try:
            async with asyncio.timeout(max(wait_s, 0.001)):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _send(self, lane: str) -> None:
        """Send what is due in a lane, as far as there is room."""
        room, under_way = self._lanes.room(lane), frozenset(self._lanes.on(lane))
        if not room:
            return
        for name, at in await self._outbox.earliest(lane, room + len(under_way)):
            if name in under_way:
                continue
            if at > self._now():
                self._lanes.look_at(lane, at)
                return
            self._lanes.begin(lane, name)
            self._begin(self._deliver(lane, name))
            room -= 1
            if not room:
                return

    async def _deliver(self, lane: str, name: str) -> None:
        next_look = self._now()
        try:
            delivery = await self._outbox.get(name)
            if delivery is not None and delivery.next_at is not None:
                await self._try(delivery)
            next_look = self._now()
        except StorageFailed as error:
            # It was sent, maybe; it is sent again rather than lost.
            _log.error("what became of message %s could not be noted: %s", name, error)
            next_look += _AFTER_MISTAKE_S
        except Exception:  # noqa: BLE001 - one message must not end the delivery of all
            _log.exception("message %s could not be sent", name)
            next_look += _AFTER_MISTAKE_S
        finally:
            self._lanes.end(lane, name, next_look)
            self._woken.set()

    async def _try(self, delivery: Delivery) -> None:
        at = int(self._now())
        try:
            posted = await self._post(delivery, at)
        except RetakeError as error:
            # There is nothing to be told any more.
            attempt = Attempt(at, 0, None, error.code, error.message)
            judged = Verdict(None, counts=False)
        else:
            attempt = posted.attempt
            judged = self._judge(delivery, posted)
        days_s = self._patience.disable_after_s
        why = await self._outbox.tried(delivery, attempt, judged, days_s)
        self._told(attempt)
        about = {"request_id": delivery.request_id}
        if not attempt.good:
            _log.info("message %s: %s", delivery.delivery_id, attempt.error, extra=about)
        if why is not None:
            _log.warning("webhook %s was disabled (%s)", delivery.webhook_id, why, extra=about)

    def _judge(self, delivery: Delivery, posted: Posted) -> Verdict:
        chance = random.random()  # noqa: S311 - not a secret
        asked_s, now = posted.retry_after_s, int(self._now())
        return verdict(delivery, posted.attempt, asked_s, self._patience, now, chance)

    async def _post(self, delivery: Delivery, at: int) -> Posted:
        body = await self._message(delivery)
        secrets = await self._endpoints.secrets(delivery.webhook_id, delivery.key_id)
        return await post(
            delivery.url,
            body,
            signed_headers(delivery.delivery_id, at, body, secrets),
            at=at,
            timeout_s=self._timeout_s,
            allow_private=self._allow_private,
            resolve=self._resolve,
        )

    async def _clean(self) -> None:
        try:
            removed = await self._outbox.clean(int(self._now()) - self._patience.keep_s)
        except StorageFailed as error:
            _log.error("the log of webhooks could not be cleaned: %s", error)
            return
        if removed:
            _log.info("%d old deliveries were removed from the log of webhooks", removed)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
