"""Engines from other packages: entry points of the group ``retake.engines``.

An entry point names an `EnginePlugin`. One that cannot be loaded is told of and left out; the
others, and the program, go on. docs/engines.md has a worked example.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from retake.core.errors import EngineFailed, RetakeError
from retake.engines.engine import Engine, EngineInfo, Estimate, Frame, Shot, Take

GROUP = "retake.engines"
OWN = frozenset({"vfx", "ltx", "hosted", "auto", "ltx-2-pro"})
"""Names that are taken."""
_ID = re.compile(r"[a-z][a-z0-9.-]{0,31}")
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class EnginePlugin:
    """What an entry point names.

    Attributes:
        info: What the engine is. Whatever module holds it is imported by every process, the
            server's own too: let it load nothing heavy.
        make: Returns the engine, in the process that makes sections; what it needs may be loaded
            here or in the engine's `warm`.
    """

    info: EngineInfo
    make: Callable[[], Engine]


@dataclass(frozen=True)
class Broken:
    """An entry point that cannot be used, and why."""

    name: str
    package: str
    why: str

    def __str__(self) -> str:
        return f"the engine {self.name} of the package {self.package} cannot be used: {self.why}"


def find_plugins(
    points: Collection[EntryPoint] | None = None,
) -> tuple[dict[str, EnginePlugin], tuple[Broken, ...]]:
    """Return the engines that installed packages bring, by id, and those that cannot be used.

    Args:
        points: The entry points; those of this environment when None.
    """
    plugins: dict[str, EnginePlugin] = {}
    broken: list[Broken] = []
    found = entry_points(group=GROUP) if points is None else points
    for point in sorted(found, key=lambda one: one.name):
        try:
            plugin = point.load()
            why = _fault(plugin, plugins)
        except Exception as error:  # noqa: BLE001 - a stranger's package must not stop this one
            plugin, why = None, f"{type(error).__name__}: {error}"
        if why is None and plugin is not None:
            plugins[plugin.info.id] = plugin
        else:
            package = point.dist.name if point.dist else point.module
            broken.append(Broken(point.name, package, str(why)))
    return plugins, tuple(broken)


def make_plugin(plugin: EnginePlugin) -> Engine:
    """Return a plugin's engine, whose mistakes end a request and nothing more.

    Raises:
        EngineFailed: It cannot be made (``engine_broken``).
    """
    try:
        return Guarded(plugin.make(), plugin.info)
    except RetakeError:
        raise
    except Exception as error:
        raise _mistake(plugin.info.id, error) from error


class Guarded:
    """An engine of another package; what goes wrong in it is told as its own mistake."""

    def __init__(self, engine: Engine, info: EngineInfo) -> None:
        self._engine = engine
        self._info = info

    def describe(self) -> EngineInfo:
        """Return what this engine is."""
        return self._info

    def warm(self) -> None:
        """Load what it loads; where that fails, the first request will tell."""
        try:
            self._engine.warm()
        except Exception:  # noqa: BLE001 - the server goes on without it
            _log.exception("the engine %s could not be warmed", self._info.id)

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return warnings about a prompt."""
        return self._do(lambda: self._engine.check(prompt, options))

    def estimate(self, shot: Shot) -> Estimate:
        """Return roughly what `make` will cost."""
        return self._do(lambda: self._engine.estimate(shot))

    def make(self, shot: Shot) -> Take:
        """Return a take of `shot`."""
        take = self._do(lambda: self._engine.make(shot))
        return take if take.frames is None else replace(take, frames=self._frames(take.frames))

    def _frames(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Pass frames on; that which draws them is the engine too."""
        drawn = iter(frames)
        while (frame := self._do(lambda: next(drawn, None))) is not None:
            yield frame

    def _do(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except RetakeError:
            raise
        except Exception as error:
            raise _mistake(self._info.id, error) from error


def _fault(plugin: object, taken: Collection[str]) -> str | None:
    if not isinstance(plugin, EnginePlugin):
        return f"it names a {type(plugin).__name__}; an EnginePlugin is needed"
    name = plugin.info.id
    if not _ID.fullmatch(name):
        return f"its id is {name[:40]!r}; accepted are small letters, digits, dots and dashes"
    if name in OWN or name in taken:
        return f"its id {name!r} is taken"
    return None


def _mistake(engine: str, error: Exception) -> EngineFailed:
    _log.error("the engine %s made a mistake", engine, exc_info=error)
    return EngineFailed(
        "engine_broken",
        f"the engine {engine}, which another package brings, made a mistake "
        f"({type(error).__name__}: {str(error)[:200]}); tell who made it, `retake doctor` says "
        "which package that is",
    )
