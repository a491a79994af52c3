"""The server: its parts put together, run until somebody stops it."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from retake.bootstrap.files import files_parts
from retake.bootstrap.fleet import fleet_url, front_for, make_station
from retake.bootstrap.hands import (
    FleetHands,
    Hands,
    child_command,
    discard_from,
    tell_children,
    until_begun,
)
from retake.bootstrap.notify import notifying
from retake.bootstrap.parts import engine_info, engine_infos, limits
from retake.bootstrap.preview import preview_maker
from retake.bootstrap.storage import open_storage
from retake.bootstrap.upstream import upstream_door
from retake.core.errors import BadRequest
from retake.telemetry.logs import set_up_logs

if TYPE_CHECKING:
    from pydantic import SecretStr

    from retake.api.parts import ApiParts
    from retake.queue.data_dir import DataDir
    from retake.queue.database import Database
    from retake.queue.keys import Keys
    from retake.queue.requests import Requests
    from retake.queue.store import Discard
    from retake.settings import Settings
    from retake.storage import Storage

_log = logging.getLogger(__name__)

DEFAULT_MODEL = "ltx-2-pro-retake"
"""The hosted model's id; the instance's default engine answers it."""

Welcome = Callable[[str, str | None], None]
"""Called once the server listens, with its address and, on the very first start, a new key."""


def open_keys(chosen: Settings) -> Keys:
    """Return the server's keys, whether or not it runs."""
    from retake.queue import opening
    from retake.queue.data_dir import DataDir

    return opening.open_keys(DataDir(chosen.data_dir), chosen.database.get_secret_value())


def serve_until_stopped(chosen: Settings, welcome: Welcome) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Raises:
        StorageFailed: The data folder cannot be used, or another server uses it.
        BadRequest: The address cannot be listened on.
    """
    # What is loaded now stays: looking through it for garbage takes a tenth of the start.
    gc.disable()
    import uvloop

    from retake.queue.data_dir import DataDir

    set_up_logs(chosen.log_level, chosen.log_format)
    with DataDir(chosen.data_dir) as data_dir:
        listener = _listen(chosen.host, chosen.port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(chosen, data_dir, listener, welcome))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise BadRequest(
            "cannot_listen",
            f"cannot listen on {host}:{port}: {error.strerror}; another --port or --host may do",
            param="port",
        ) from error
    return listener


async def _serve(
    chosen: Settings,
    data_dir: DataDir,
    listener: socket.socket,
    welcome: Welcome,
) -> None:
    from retake.queue.opening import keys_beside, open_database
    from retake.queue.requests import Requests
    from retake.queue.unfinished import Capacity

    database = open_database(data_dir, chosen.database.get_secret_value())
    keys = keys_beside(database, data_dir)
    storage = open_storage(chosen, data_dir)
    storage.sweep()
    discard = discard_from(storage)
    requests = Requests(
        data_dir,
        known_s=chosen.idempotency_ttl_s,
        discard=discard,
        capacity=Capacity(chosen.max_unfinished, chosen.max_unfinished_per_key),
        database=database,
        front=front_for(chosen, database, discard),
    )
    requests.watch_deadlines()
    hands = _hands(chosen, data_dir, database, requests, discard)
    await hands.start()
    await until_begun(hands)
    # While the child loads its libraries, this process loads its own.
    from retake.api.app import create_app
    from retake.api.cleaning import Cleaner
    from retake.api.serving import ApiServer
    from retake.bootstrap.gauges import operated

    metrics, traces = operated(requests, hands, data_dir)
    parts = _api_parts(chosen, data_dir, requests, keys, storage, hands)
    upstream = await upstream_door(chosen, data_dir, requests, database)
    parts = replace(parts, metrics=metrics, traces=traces, upstream=upstream)
    server = ApiServer(create_app(parts), requests.release, host=chosen.host, port=chosen.port)
    notifier, cleaner = notifying(chosen, parts), Cleaner(parts)
    notifier.start()
    cleaner.start()
    host, port = listener.getsockname()[:2]
    base = chosen.base_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    new_key = None if keys.list() else keys.create("first start")
    # Bound and listening: whoever is told the address now gets an answer.
    listener.listen(2048)
    gc.freeze()
    gc.enable()
    welcome(base, new_key)
    # uvicorn raises the signal that stopped it once more when it has ended; there is still work
    # to do then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)
    try:
        await server.serve(sockets=[listener])
    finally:
        await hands.stop()
        await notifier.stop()
        await cleaner.stop()
        requests.close()
        keys.close()
        traces.close()


def _hands(
    chosen: Settings,
    data_dir: DataDir,
    database: Database,
    requests: Requests,
    discard: Discard,
) -> Hands:
    """Return who works on the requests."""
    from retake.queue.supervisor import Supervisor

    url = fleet_url(chosen)
    if url is None:
        return Supervisor(lambda fd: child_command(fd, data_dir, chosen), requests)
    from retake.queue.fleet.replica import Replica

    if not isinstance(requests.front, Replica):
        raise TypeError("a fleet's requests have a replica for their front")
    tell_children(chosen)
    slots, station = chosen.slots or 0, None
    if slots:
        engines = [*engine_infos(chosen)]
        station = make_station(chosen, url, database, data_dir, discard, slots, engines)
    return FleetHands(requests.front, station)


def _ignore(_number: int, _frame: object) -> None:
    return


def _api_parts(
    chosen: Settings,
    data_dir: DataDir,
    requests: Requests,
    keys: Keys,
    storage: Storage,
    hands: Hands,
) -> ApiParts:
    from retake.api.catalogue import ModelInfo
    from retake.api.limits import Quotas, RateLimits
    from retake.api.parts import ApiParts

    accepted = limits(chosen)
    default = ModelInfo(DEFAULT_MODEL, engine_info(chosen.engine, chosen), accepted)
    infos = engine_infos(chosen).values()
    named = (ModelInfo(f"{info.id}-retake", info, accepted) for info in infos)
    return ApiParts(
        requests=requests,
        keys=keys,
        storage=storage,
        models=(default, *named),
        limits=accepted,
        hold_s=chosen.hold_s,
        dialect_hold_s=chosen.dialect_hold_s,
        base_url=chosen.base_url,
        url_ttl_s=chosen.url_ttl_s,
        max_body_bytes=chosen.max_body_bytes,
        allow_private=chosen.fetch_allow_private,
        redirect_files=chosen.storage_redirect,
        preview=preview_maker(chosen, data_dir, storage),
        ready=lambda: hands.ready,
        open=(lambda: hands.open) if isinstance(hands, FleetHands) else None,
        metrics_token=_plain(chosen.metrics_token),
        can_serve=lambda: not hands.failing,
        webhook_grace_s=chosen.webhook_grace_s,
        **files_parts(chosen, accepted, storage),
        rates=RateLimits(Quotas(chosen.max_submits_per_minute, chosen.max_calls_per_minute)),
    )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
