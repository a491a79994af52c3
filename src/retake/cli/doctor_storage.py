"""What `retake doctor` says of the storage: that it can be used, and what does not belong there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.bootstrap.orphans import Orphans
    from retake.settings import Settings
    from retake.storage import Stat, Storage

_NAMED = 5


def storage_lines(chosen: Settings, *, fix: bool) -> Iterator[tuple[bool, str]]:
    """Yield whether all is well, and the line that says it.

    Args:
        chosen: The settings in force.
        fix: Whether files that belong to no request are removed.
    """
    from retake.bootstrap.storage import existing_storage

    try:
        found = existing_storage(chosen)
        if found is None:
            return
        storage, where = found
        yield True, f"storage {where}"
        yield from _orphan_lines(chosen, storage, fix=fix)
    except RetakeError as error:
        yield False, f"storage: {error.message}"


def shown_storage(setting: str) -> str:
    """Return a storage's address as it is set; not where it is malformed: it may hold a secret."""
    from retake.storage.address import parse_address

    try:
        parse_address(setting)
    except RetakeError:
        return "(malformed)"
    return setting


def _orphan_lines(chosen: Settings, storage: Storage, *, fix: bool) -> Iterator[tuple[bool, str]]:
    from retake.bootstrap.database import standing
    from retake.bootstrap.orphans import find_orphans

    # What is wrong with the database is told elsewhere.
    if not standing(chosen).is_known:
        return
    found = find_orphans(chosen, storage, time.time())
    if found is None:
        return
    if fix and found.files:
        for one in found.files:
            storage.delete_tree(one.name)
        yield True, f"removed {_told(found.files)}, which no request had"
    elif found.files:
        yield (
            False,
            f"{_told(found.files)} belong to no request: {_named(found)}; "
            "`retake doctor --fix` removes them",
        )
    else:
        yield True, "every stored result belongs to a request"
    if found.missing:
        names = ", ".join(found.missing[:_NAMED])
        yield (
            False,
            f"{len(found.missing)} files of finished requests are gone: {names}"
            f"{', …' if len(found.missing) > _NAMED else ''}",
        )


def _named(found: Orphans) -> str:
    names = [one.name for one in found.files]
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _told(files: tuple[Stat, ...]) -> str:
    size = sum(one.size for one in files)
    return f"{len(files)} files ({size / 1024**2:.1f} MiB)"
