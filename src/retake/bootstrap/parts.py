"""The parts that the command line and the server share: settings, limits, engines."""

from __future__ import annotations

import logging
import secrets
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from retake.core.errors import BadRequest
from retake.core.request import MAX_SEED, Limits, RetakeRequest

if TYPE_CHECKING:
    from retake.engines.engine import Engine, EngineInfo
    from retake.engines.ltx.readiness import Choice
    from retake.engines.plugins import EnginePlugin
    from retake.settings import Settings
    from retake.steps.fetch import FetchPolicy


_log = logging.getLogger(__name__)


def settings(**given: Any) -> Settings:
    """Return the settings; what is `given` (and not None) goes before environment and file.

    The engine ``auto`` is settled here, so that one process has one default engine.

    Raises:
        BadRequest: A setting's value is not accepted.
    """
    chosen = _read(given)
    if chosen.engine != "auto":
        return chosen
    from retake.bootstrap.ltx import default_engine

    return chosen.model_copy(update={"engine": default_engine(chosen).engine})


def default_choice() -> Choice:
    """Return which engine answers where none is named, and why.

    Raises:
        BadRequest: A setting's value is not accepted.
    """
    from retake.bootstrap.ltx import default_engine

    return default_engine(_read({}))


def told_engine() -> str | None:
    """Return the line that a server prints of its engine at the start; None where there is none."""
    from retake.bootstrap.ltx import engine_told

    return engine_told(_read({}))


def _read(given: dict[str, Any]) -> Settings:
    from pydantic import ValidationError

    from retake.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "RETAKE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise BadRequest(
            "bad_setting", f"{name} is {first['input']!r}: {first['msg']}", param=name
        ) from error


def limits(chosen: Settings | None = None) -> Limits:
    """Return what this instance accepts."""
    chosen = chosen or settings()
    return Limits(
        max_seconds=Fraction(str(chosen.max_seconds)),
        min_section=Fraction(str(chosen.min_section_s)),
        max_bytes=chosen.max_source_bytes,
    )


def seed_for(request: RetakeRequest) -> int:
    """Return the request's seed, or draw one."""
    return secrets.randbelow(MAX_SEED + 1) if request.seed is None else request.seed


def engine_infos(chosen: Settings | None = None) -> dict[str, EngineInfo]:
    """Return what each engine of this instance is, by id, without loading any."""
    from retake.bootstrap.hosted import hosted_info
    from retake.bootstrap.ltx import ltx_cannot_load
    from retake.engines.ltx.info import INFO as LTX
    from retake.engines.vfx.info import INFO

    chosen = chosen or settings()
    # Where it is the default it is named, whatever it lacks here: others may do the work.
    offered = chosen.engine == LTX.id or ltx_cannot_load(chosen) is None
    brought = (plugin.info for plugin in _plugins().values())
    infos = (INFO, LTX if offered else None, hosted_info(chosen), *brought)
    return {info.id: info for info in infos if info is not None}


@cache
def _plugins() -> dict[str, EnginePlugin]:
    """Return the engines of other packages, and warn once of those that cannot be used."""
    from retake.engines.plugins import find_plugins

    plugins, broken = find_plugins()
    for one in broken:
        _log.warning("%s", one)
    return plugins


def engine_info(engine_id: str, chosen: Settings | None = None) -> EngineInfo:
    """Return what one engine is.

    Raises:
        BadRequest: There is no such engine.
        EngineFailed: It is `ltx`, and lacks libraries or weights here.
    """
    chosen = chosen or settings()
    infos = engine_infos(chosen)
    if engine_id not in infos:
        from retake.bootstrap.ltx import ltx_cannot_load

        lacking = ltx_cannot_load(chosen) if engine_id == "ltx" else None
        raise lacking or _unknown(engine_id, infos)
    return infos[engine_id]


def _unknown(engine_id: str, infos: dict[str, EngineInfo]) -> BadRequest:
    hint = "; hosted needs RETAKE_UPSTREAM_URL" if engine_id == "hosted" else ""
    return BadRequest(
        "unknown_engine",
        f"engine is {engine_id!r}; accepted is {', '.join(infos)}{hint}",
        param="engine",
    )


def make_engine(
    engine_id: str, chosen: Settings | None = None, *, upstream_key: str | None = None
) -> Engine:
    """Return an engine; what it needs is loaded when it is first used.

    Args:
        engine_id: Which one.
        chosen: The settings; read anew when None.
        upstream_key: For `hosted`, the user's own key; the operator's when None.

    Raises:
        BadRequest: There is no such engine.
    """
    chosen = chosen or settings()
    if engine_info(engine_id, chosen).id == "hosted":
        from retake.bootstrap.hosted import make_hosted

        return make_hosted(chosen, limits(chosen), upstream_key)
    if engine_id == "ltx":
        from retake.bootstrap.ltx import make_ltx

        return make_ltx(chosen)
    if engine_id == "vfx":
        from retake.engines.vfx.engine import VfxEngine

        return VfxEngine()
    from retake.engines.plugins import make_plugin

    return make_plugin(_plugins()[engine_id])


def fetch_policy(chosen: Settings, *, allow_private: bool) -> FetchPolicy:
    """Return what a download may do on this instance."""
    from retake.steps.fetch import FetchPolicy

    return FetchPolicy(
        allow_private=allow_private,
        max_bytes=chosen.max_source_bytes,
        connect_s=chosen.fetch_connect_s,
        stall_s=chosen.fetch_stall_s,
        total_s=chosen.fetch_total_s,
    )
