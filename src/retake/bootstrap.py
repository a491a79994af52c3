"""Builds every part from the settings; the only file that knows them all.

Imports wait inside the functions: a command loads what it uses and nothing else.
"""

from __future__ import annotations

import secrets
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retake.core.errors import BadRequest, BadSource
from retake.core.request import MAX_SEED, Limits, RetakeRequest
from retake.core.watch import Watch

if TYPE_CHECKING:
    from retake.engines.engine import Engine, EngineInfo
    from retake.settings import Settings
    from retake.steps.publish import Shelf
    from retake.steps.run import Fetch, Parts

DEFAULT_MODEL = "ltx-2-pro-retake"
"""The hosted model's id; the instance's default engine answers it."""


def settings(**given: Any) -> Settings:
    """Return the settings; what is `given` (and not None) goes before environment and file.

    Raises:
        BadRequest: A setting's value is not accepted.
    """
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


def engine_infos() -> dict[str, EngineInfo]:
    """Return what each engine of this instance is, by id, without loading any."""
    from retake.engines.vfx.info import INFO

    return {INFO.id: INFO}


def make_engine(engine_id: str) -> Engine:
    """Return an engine; what it needs is loaded when it is first used.

    Raises:
        BadRequest: There is no such engine.
    """
    if engine_id not in engine_infos():
        accepted = ", ".join(engine_infos())
        raise BadRequest(
            "unknown_engine", f"engine is {engine_id!r}; accepted is {accepted}", param="engine"
        )
    from retake.engines.vfx.engine import VfxEngine

    return VfxEngine()


def local_parts(shelf: Shelf, engine_id: str | None) -> Parts:
    """Return what `retake edit` walks with: this machine's files, any address, one engine."""
    from retake.steps.run import Parts

    chosen = settings()
    engine = make_engine(engine_id or chosen.engine)
    return Parts(engine, _fetch_local(chosen), shelf, limits(chosen))


def _fetch_local(chosen: Settings) -> Fetch:
    """Return a Fetch for the command line: paths are used where they lie, URLs are fetched.

    The user of a command line may reach whatever this machine reaches, so private addresses are
    not refused here.
    """

    def fetch_local(uri: str, dest: Path, watch: Watch) -> Path:
        if not uri.lower().startswith(("http://", "https://")):
            path = Path(uri.removeprefix("file://")).expanduser()
            if not path.exists():
                raise BadSource(
                    "not_found",
                    f"{uri!r} does not exist; accepted is a video file or an http(s) URL",
                    param="video_uri",
                )
            return path
        from retake.steps.fetch import fetch

        return fetch(uri, dest, _policy(chosen, allow_private=True), watch).path

    return fetch_local
