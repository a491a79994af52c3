"""Files that no request has, and requests whose files are gone: `retake doctor` tells of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.queue.database.port import Connection
    from retake.queue.inventory import Filed
    from retake.settings import Settings
    from retake.storage import Storage

GRACE_S = 3600
"""What was stored later than that may belong to a request that is just being written down."""
_FOLDERS = ("outputs", "work")


@dataclass(frozen=True, slots=True)
class Stray:
    """The files of a request that does not have them.

    Attributes:
        folder: Their folder, as a stored name.
        count: How many there are.
        size: Their bytes.
        modified: When the latest was stored, in Unix time.
    """

    folder: str
    count: int
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Orphans:
    """What does not belong together.

    Attributes:
        files: Files without a request that has them, but for those that just came.
        missing: Stored names that requests give out, and that are not there.
    """

    files: tuple[Stray, ...]
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
        strays: dict[str, Stray] = {}
        stored: set[str] = set()
        for folder in _FOLDERS:
            for each in storage.files(folder):
                stored.add(each.name)
                name = "/".join(each.name.split("/")[:2])
                so_far = strays.get(name, Stray(name, 0, 0, 0.0))
                size, latest = so_far.size + each.size, max(so_far.modified, each.modified)
                strays[name] = Stray(name, so_far.count + 1, size, latest)
        missing: set[str] = set()
        for filed in _requests(read):
            if filed.keeps:
                strays.pop(f"outputs/{filed.request_id}", None)
            if not filed.ended:
                strays.pop(f"work/{filed.request_id}", None)
            missing |= filed.files - stored
    old = (stray for stray in strays.values() if stray.modified < now - GRACE_S)
    # Some may have come since they were listed.
    gone = (name for name in missing if storage.stat(name) is None)
    return Orphans(tuple(sorted(old, key=lambda one: one.folder)), tuple(sorted(gone)))


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
