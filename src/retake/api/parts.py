"""What the API is built from; bootstrap fills it in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from fastapi import Request

from retake.api.catalogue import ModelInfo
from retake.api.limits import Quotas, RateLimits
from retake.api.turns import Taking
from retake.api.upstream import Upstream
from retake.core.request import Limits, RetakeRequest
from retake.core.watch import Watch
from retake.queue.keys import Keys
from retake.queue.requests import Requests
from retake.steps.fetch.resolve import Resolver, system_resolver
from retake.storage import Storage
from retake.storage.room import Room
from retake.storage.upload import UploadPolicy
from retake.storage.uploads import Uploads
from retake.telemetry.metrics import Metrics
from retake.telemetry.traces import Traces

T = TypeVar("T")

CheckUpload = Callable[[Path, RetakeRequest], tuple[str, ...]]
"""Says whether an uploaded file can serve a request: returns warnings or raises a RetakeError.

It may take seconds; it is called on a thread of its own."""

CheckArrival = Callable[[Path], None]
"""Says whether a file that was uploaded is a video of the accepted kind, or raises a RetakeError.

It may take seconds; it is called on a thread of its own."""

Preview = Callable[[RetakeRequest, str, str, Watch], dict[str, Any]]
"""``preview(request, source_ref, engine, watch)`` finds out what a request would do: JSON-ready
``source``, ``section``, ``estimate`` and ``warnings``. It may raise a RetakeError.

It may take a minute; it is called on a thread of its own."""


class Turns(asyncio.Semaphore):
    """A semaphore that says how many wait for it."""

    waiting = 0

    async def acquire(self) -> Literal[True]:
        """Wait for a turn."""
        self.waiting += 1
        try:
            return await super().acquire()
        finally:
            self.waiting -= 1


def _yes() -> bool:
    return True


@dataclass(frozen=True)
class ApiParts:
    """Everything the API uses.

    Attributes:
        requests: The durable requests.
        keys: Who may use the server.
        storage: Uploads and outputs.
        models: What can be asked for; the first one is the default engine's.
        limits: What is accepted.
        hold_s: How long a submit waits for its result, in seconds.
        dialect_hold_s: How long a call in a dialect that answers the video itself waits for it, in
            seconds.
        max_hold_s: How long a client may make it wait by ``Prefer: wait=…``, in seconds.
        base_url: How clients reach the server; None takes it from each request.
        url_ttl_s: How long a signed URL stays valid, in seconds.
        max_body_bytes: Largest JSON body.
        body_s: How long a client may take to send a JSON body, in seconds.
        stall_s: How long an upload may send nothing, in seconds.
        heartbeat_s: How long a stream of events is silent at most, in seconds.
        allow_private: Whether video_uri may name a private address outright.
        upload_policy: How much a key may upload, and how long it is kept.
        data_uri_bytes: Longest video within a ``data:`` URI, in bytes.
        keep_results_s: How long results are kept, in seconds; None is for ever.
        check_arrival: Checks an upload when it comes; None leaves that to the submit.
        check_upload: Checks an uploaded source at submit; None leaves that to the work itself.
        checks: How many uploads are checked at the same time.
        redirect_files: Whether files are given out by the storage itself, where that can.
        preview: Finds out what a dry run asks; None tells only what a submit's checks tell.
        previews: How many dry runs are worked on at the same time.
        example: Stored name of a video that every key may use as ``…/example.mp4``; None when there
            is none.
        ready: Whether an engine is ready to work.
        open: Whether this process is to get calls; None where that is the same.
        can_serve: Whether requests that are accepted now will be worked on some time soon.
        rates: How often each key may call.
        webhook_grace_s: How long a webhook's replaced secret still signs, in seconds.
        upstream: The server that requests of the engine hosted are handed on to; None without one.
        resolve: Turns the host name of a webhook into addresses, which are checked.
        metrics: Counts what happens.
        metrics_token: Who brings it may look at them; None lets processes of this machine.
        traces: Traces what happens, where that is wanted.
        now: Gives Unix time in seconds.
    """

    requests: Requests
    keys: Keys
    storage: Storage
    models: tuple[ModelInfo, ...]
    limits: Limits = field(default_factory=Limits)
    hold_s: float = 50.0
    dialect_hold_s: float = 900.0
    max_hold_s: float = 600.0
    base_url: str | None = None
    url_ttl_s: int = 3600
    max_body_bytes: int = 1024 * 1024
    body_s: float = 30.0
    stall_s: float = 60.0
    heartbeat_s: float = 15.0
    allow_private: bool = False
    upload_policy: UploadPolicy = field(default_factory=UploadPolicy)
    data_uri_bytes: int = 8 * 1024 * 1024
    keep_results_s: int | None = None
    check_arrival: CheckArrival | None = None
    check_upload: CheckUpload | None = None
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    redirect_files: bool = False
    preview: Preview | None = None
    previews: Turns = field(default_factory=lambda: Turns(2))
    example: str | None = None
    ready: Callable[[], bool] = _yes
    open: Callable[[], bool] | None = None
    can_serve: Callable[[], bool] = _yes
    rates: RateLimits = field(default_factory=lambda: RateLimits(Quotas()))
    webhook_grace_s: int = 24 * 3600
    upstream: Upstream | None = None
    resolve: Resolver = system_resolver
    metrics: Metrics = field(default_factory=Metrics)
    metrics_token: str | None = None
    traces: Traces = field(default_factory=Traces)
    now: Callable[[], float] = time.time

    async def at_storage(self, work: Callable[[], T]) -> T:
        """Do what asks the storage: on a thread where it is remote, else at once.

        With a storage on this machine's disk nothing else happens on the event loop meanwhile.
        """
        return await asyncio.to_thread(work) if self.storage.shared else work()

    @cached_property
    def uploads(self) -> Uploads:
        """The uploads in the storage."""
        return self.storage.uploads(self.upload_policy.ttl_s, self.now)

    @cached_property
    def upload_room(self) -> Room:
        """The room that keys have for more of them."""
        return Room(self.upload_policy)

    @cached_property
    def upload_turns(self) -> Taking:
        """Who may write to which upload."""
        return Taking()


def parts_of(request: Request) -> ApiParts:
    """Return the parts that the app answering `request` was built from."""
    parts = request.app.state.parts
    assert isinstance(parts, ApiParts)  # noqa: S101 - for the type checker
    return parts
