"""The database that the settings name: its version, and bringing it to this program's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database stands.

    Attributes:
        where: What it is, without a password.
        found: Its version; 0 is a database without tables.
        known: The version that this program needs.
        upgrades_itself: Whether a server's start brings it to that version.
    """

    where: str
    found: int
    known: int
    upgrades_itself: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it has this program's tables."""
        return self.found == self.known

    @property
    def fits(self) -> bool:
        """Whether a server can be started on it as it is."""
        return self.found in {0, self.known} or (self.upgrades_itself and self.found < self.known)

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.where}: version {self.found} of {self.known}"


def standing(chosen: Settings) -> Standing:
    """Return how the database stands; nothing is changed.

    Raises:
        BadRequest: The setting is malformed (``bad_database``).
        StorageFailed: It cannot be reached (``database_unreachable``) or read
            (``data_dir_damaged``).
    """
    from retake.queue.database.address import postgres_url, without_password
    from retake.queue.tables import STEPS, VERSION

    if (url := postgres_url(chosen.database.get_secret_value())) is None:
        from retake.queue.schema import version_of

        path = chosen.data_dir.expanduser() / "requests.sqlite"
        return Standing(str(path), version_of(path), VERSION, upgrades_itself=True)
    from retake.queue.database.postgres.upgrade import versions

    found = versions(url, STEPS)
    return Standing(without_password(url), found.found, found.known)


def upgrade_database(chosen: Settings) -> Standing:
    """Bring the database to this program's version; return how it stood before.

    Raises:
        BadRequest: The setting is malformed (``bad_database``).
        StorageFailed: It cannot be upgraded; it is as it was.
    """
    from retake.queue.data_dir import DataDir
    from retake.queue.database.address import postgres_url
    from retake.queue.tables import STEPS

    before = standing(chosen)
    if (url := postgres_url(chosen.database.get_secret_value())) is None:
        from retake.queue.schema import open_writer

        with DataDir(chosen.data_dir) as data_dir:
            open_writer(data_dir.requests).close()
        return before
    from retake.queue.database.postgres.upgrade import upgrade

    done = upgrade(url, STEPS)
    return Standing(before.where, done.found, done.known)


def copy_database(chosen: Settings) -> dict[str, int]:
    """Copy what the data folder's own files hold into the PostgreSQL database that is set.

    Returns:
        How many rows each table got.

    Raises:
        BadRequest: The setting names no PostgreSQL database (``bad_database``).
        StorageFailed: A server uses the folder, or the database is not empty
            (``database_not_empty``), cannot be reached or does not fit; it is as it was.
    """
    from retake.core.errors import BadRequest
    from retake.queue.data_dir import DataDir
    from retake.queue.database.address import postgres_url
    from retake.queue.opening import open_postgres
    from retake.queue.schema import open_writer

    url = postgres_url(chosen.database.get_secret_value())
    if url is None:
        raise BadRequest(
            "bad_database",
            "there is no database to copy to; accepted is --database postgresql://…",
            param="database",
        )
    from retake.queue.database.postgres.takeover import take_over

    with DataDir(chosen.data_dir) as data_dir:
        open_writer(data_dir.requests).close()
        open_postgres(url).close()
        return take_over(data_dir.requests, data_dir.keys, url)
