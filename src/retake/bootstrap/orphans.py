"""Files that no request has, and requests whose files are gone: `retake doctor` tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.queue.database.port import Connection
    from retake.queue.inventory import Filed
    from retake.settings import Settings
    from retake.storage import Stat, Storage

GRACE_S = 3600
"""What was stored later than that may belong to a request that is just being written down."""
_FOLDERS = ("outputs", "work")


@dataclass(frozen=True, slots=True)
class Orphans:
    """What does not belong together.

    Attributes:
        files: Files that no request gives out or needs, but for those that just came.
        missing: Stored names that requests give out, and that are not there.
    """

    files: tuple[Stat, ...]
    missing: tuple[str, ...]


def find_orphans(chosen: Settings, storage: Storage, now: float) -> Orphans | None:
    """Compare a storage with the records of its requests; nothing is changed.

    A server may be running meanwhile.

    Args:
        chosen: Say where the records are.
        storage: Holds the files.
        now: Unix time in seconds.

    Returns:
        What was found; None where there are no records yet.

    Raises:
        StorageFailed: The storage or the database cannot be read.
    """
    with _reading(chosen) as read:
        if read is None:
            return None
        owned: defaultdict[str, dict[str, Stat]] = defaultdict(dict)
        for folder in _FOLDERS:
            for each in storage.files(folder):
                owned[each.name.split("/")[1]][each.name] = each
        missing: set[str] = set()
        for filed in _requests(read):
            theirs = owned.get(filed.request_id, {})
            missing |= filed.files - theirs.keys()
            # Of one that has not ended all may be needed.
            for name in filed.files if filed.ended else list(theirs):
                theirs.pop(name, None)
    left = (one for theirs in owned.values() for one in theirs.values())
    old = (one for one in left if one.modified < now - GRACE_S)
    # Some may have come since they were listed.
    gone = (name for name in missing if storage.stat(name) is None)
    return Orphans(tuple(sorted(old, key=lambda one: one.name)), tuple(sorted(gone)))


def _requests(
    read: Callable[[Callable[[Connection], list[Filed]]], list[Filed]],
) -> Iterator[Filed]:
    from functools import partial

    from retake.queue.inventory import page_of_files

    after = 0
    while page := read(partial(page_of_files, after=after)):
        yield from page
        after = page[-1].seq


@contextmanager
def _reading(
    chosen: Settings,
) -> Generator[Callable[[Callable[[Connection], list[Filed]]], list[Filed]] | None]:
    """Give what reads the records; None where there are none."""
    from retake.queue.database.address import postgres_url

    url = postgres_url(chosen.database.get_secret_value())
    if url is not None:
        from retake.queue.opening import open_postgres

        database = open_postgres(url)
        try:
            yield database.read_now
        finally:
            database.close()
        return
    path = chosen.data_dir.expanduser() / "requests.sqlite"
    if not path.exists():
        yield None
        return
    from retake.queue.schema import open_reader

    with closing(open_reader(path)) as reader:
        yield lambda work: work(reader)
