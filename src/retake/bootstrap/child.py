"""The engine child of a server: what a request walks with there."""

from __future__ import annotations

import gc
import logging
import secrets
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from retake.bootstrap.hosted import open_vault
from retake.bootstrap.parts import fetch_policy, limits, make_engine
from retake.bootstrap.storage import open_storage, remove_handed_over
from retake.core.errors import RetakeError
from retake.core.request import check_payload
from retake.core.watch import Watch
from retake.telemetry.logs import set_up_logs
from retake.telemetry.traces import make_traces

if TYPE_CHECKING:
    from retake.engines.engine import Engine
    from retake.queue.data_dir import DataDir
    from retake.settings import Settings
    from retake.steps.fetch import FetchPolicy
    from retake.steps.run import Fetch, Step
    from retake.storage import Storage
    from retake.worker import RunRequest

_log = logging.getLogger(__name__)


def work_until_stopped(
    chosen: Settings, child_fd: int, slot: str | None = None, engine: str | None = None
) -> NoReturn:
    """Be the engine child: do what the server says until it is gone.

    Args:
        chosen: The settings.
        child_fd: The socket to the server.
        slot: Whose steps it records in the database of a fleet; None for those of one machine.
        engine: Which engine it keeps warm; None for the default one.
    """
    from retake.queue.data_dir import DataDir

    gc.disable()
    set_up_logs(chosen.log_level, chosen.log_format)
    data_dir = DataDir(chosen.data_dir)
    warm = engine or chosen.engine
    # In a fleet others can do what this machine cannot: it ends here and takes no request.
    engines = {warm: make_engine(warm, chosen)} if slot else _first_engine(warm, chosen)

    def prepare() -> None:
        """Load what the work needs, and compile, which takes many seconds the first time."""
        gc.freeze()
        gc.enable()
        # A request that comes meanwhile waits for it.
        import_module("retake.steps.run")
        _warm(engines, warm)

    # DBOS, which it loads, looks at the logs' set-up when it is imported.
    from retake.queue.step_records import StepsDatabase
    from retake.worker import run_child

    storage = open_storage(chosen, data_dir, patient=True)
    runner = _request_runner(chosen, data_dir, engines, storage)
    run_child(
        child_fd,
        data_dir,
        runner,
        prepare=prepare,
        traces=make_traces("engine"),
        forget=partial(remove_handed_over, storage),
        records=StepsDatabase(chosen.database.get_secret_value(), slot) if slot else None,
    )


def _first_engine(engine_id: str, chosen: Settings) -> dict[str, Engine]:
    """Return the engine that is kept warm; none where it cannot be had.

    The child goes on without it: each request for it is told why, and others can be served.
    """
    try:
        return {engine_id: make_engine(engine_id, chosen)}
    except RetakeError as error:
        _log.error("the engine %s cannot be had: %s", engine_id, error.message)
        return {}


def _warm(engines: dict[str, Engine], engine_id: str) -> None:
    try:
        if engine_id in engines:
            engines[engine_id].warm()
    except RetakeError as error:
        _log.error("the engine %s cannot be warmed: %s", engine_id, error.message)


def _request_runner(
    chosen: Settings, data_dir: DataDir, engines: dict[str, Engine], storage: Storage
) -> RunRequest:
    accepted = limits(chosen)
    policy = fetch_policy(chosen, allow_private=chosen.fetch_allow_private)
    fetch = _fetch_server(policy, storage)
    vault = open_vault(chosen, data_dir)

    def run_request(request: dict[str, Any], step: Step, watch: Watch) -> dict[str, Any]:
        from retake.bootstrap.finishing import finish
        from retake.steps.handover import HandedOver
        from retake.steps.outcome import outcome_of
        from retake.steps.publish import StorageShelf
        from retake.steps.run import Job, Parts, run

        request_id, engine_id = request["request_id"], request["engine"]
        asked, _ = check_payload(request["payload"], accepted)
        asked = replace(asked, video_uri=request["source_ref"])
        if engine_id == "hosted":
            # It keeps nothing warm, and each request may bring the key that pays for it.
            key = vault.key_of(request_id)
            engines[engine_id] = make_engine(engine_id, chosen, upstream_key=key)
        elif engine_id not in engines:
            engines[engine_id] = make_engine(engine_id, chosen)
        attempt = secrets.token_hex(4) if storage.shared else None
        shelf = StorageShelf(storage, request_id, attempt=attempt)
        job = Job(asked, request["seed"], data_dir.work / request_id)
        parts = Parts(engines[engine_id], fetch, shelf, accepted)
        if storage.shared:
            files = HandedOver(storage, request_id, job.work, step)
            step, parts = files.step, replace(parts, files=files)
        finished = run(job, parts, step, watch)
        return finish(request, outcome_of(finished), storage, policy, step, watch)

    return run_request


def _fetch_server(policy: FetchPolicy, storage: Storage) -> Fetch:
    """Return a Fetch for source references: ``upload:name`` in the storage, else ``url:…``."""

    def fetch_server(uri: str, dest: Path, watch: Watch) -> Path:
        from retake.steps.fetch import fetch
        from retake.steps.handover import COPIES

        kind, _, where = uri.partition(":")
        if kind == "upload":
            if here := storage.here(where):
                return here
            path = dest.parent / COPIES / where
            storage.bring(where, path)
            return path
        return fetch(where, dest, policy, watch).path

    return fetch_server
