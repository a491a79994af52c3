"""API keys: who may use this server. Only a key's SHA-256 is stored.

On one machine they are in a file apart from the requests', which two processes may write: `retake
keys …` works while the server runs. The server reads every key anew, so that a revoked one stops
working at once.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from retake.core.errors import BadRequest
from retake.queue.database import Connection, Database
from retake.queue.database.small import SmallDatabase

_MARK = "rt_"
_SECRET_BYTES = 32
_SHOWN = len(_MARK) + 6
_MAX_NAME = 100

_SCHEMA = """
create table if not exists keys (
    key_id     text primary key,
    name       text not null,
    shown      text not null,
    sha256     blob not null unique,
    created_at integer not null,
    revoked_at integer
) without rowid
"""
_ALL = """
select key_id, name, shown, created_at, revoked_at from keys order by created_at, name, key_id
"""
_BY_DIGEST = """
select sha256, key_id, name, shown, created_at, revoked_at from keys
where sha256 = :sha256 and revoked_at is null
"""
_BY_ID = """
select key_id, name, shown, created_at, revoked_at from keys
where key_id = :key_id and revoked_at is null
"""
_NAMED = "select key_id from keys where key_id = :name or shown = :name or sha256 = :sha256"
_INSERT = """
insert into keys (key_id, name, shown, sha256, created_at)
values (:key_id, :name, :shown, :sha256, :now)
"""
_REVOKE = """
update keys set revoked_at = coalesce(revoked_at, :now) where key_id = :key_id
returning key_id, name, shown, created_at, revoked_at
"""

FRESH_S = 0.25
"""How long a key that was found good counts as good, in seconds: who calls by the thousand is
looked up four times a second."""
_MOST_GOOD = 1000


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is known of a key; the key itself is known to its user alone.

    `shown` is its beginning, to tell it from others. Moments are Unix time in whole seconds.
    """

    key_id: str
    name: str
    shown: str
    created_at: int
    revoked_at: int | None


class Keys:
    """The keys of a server. What is not async may be used from any thread.

    Args:
        where: A file of their own, made when it is not there; or the database that they share
            with the requests.
        owned: Whether that database is closed with the keys; a file always is.
        now: Gives Unix time in seconds.
        clock: Gives monotonic time in seconds.
    """

    def __init__(
        self,
        where: Path | Database,
        *,
        owned: bool = False,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._clock = clock
        self._good: dict[bytes, tuple[float, KeyInfo]] = {}
        is_file = isinstance(where, Path)
        self._owned = owned or is_file
        self._database: Database = SmallDatabase(where, _SCHEMA) if is_file else where

    def close(self) -> None:
        """Close what is the keys' own."""
        if self._owned:
            self._database.close()

    def create(self, name: str) -> str:
        """Make a key and return it; it cannot be told a second time.

        Raises:
            BadRequest: `name` is empty, too long or not printable.
        """
        name = name.strip()
        if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
            raise BadRequest(
                "bad_key_name",
                f"the key's name is {name[:40]!r}; accepted are 1 to {_MAX_NAME} printable "
                "characters",
                param="name",
            )
        key = _MARK + secrets.token_urlsafe(_SECRET_BYTES)
        row = {
            "key_id": secrets.token_hex(8),
            "name": name,
            "shown": key[:_SHOWN],
            "sha256": _digest(key),
            "now": int(self._now()),
        }
        self._database.write_now(lambda db: db.execute(_INSERT, row).rowcount)
        return key

    def list(self) -> list[KeyInfo]:
        """Return all keys, the revoked ones too, oldest first."""
        rows = self._database.read_now(lambda db: db.execute(_ALL).fetchall())
        return [KeyInfo(*row) for row in rows]

    async def authenticate(self, key: str) -> KeyInfo | None:
        """Return whose key this is; None when it is unknown or revoked.

        What another process does to a key is felt after `FRESH_S` seconds.
        """
        digest = _digest(key)
        at, known = self._good.get(digest, (0.0, None))
        if known is not None and self._clock() - at < FRESH_S:
            return known
        found = _whose(digest, await self._database.read(partial(_by_digest, digest)))
        if found is not None:
            if len(self._good) >= _MOST_GOOD:
                self._good.clear()
            self._good[digest] = self._clock(), found
        return found

    def knows(self, key: str) -> bool:
        """Return whether a key is good."""
        digest = _digest(key)
        return _whose(digest, self._database.read_now(partial(_by_digest, digest))) is not None

    async def by_id(self, key_id: str) -> KeyInfo | None:
        """Return the key of that id; None when there is none or it was revoked."""
        values = {"key_id": key_id}
        row = await self._database.read(lambda db: db.execute(_BY_ID, values).fetchone())
        return None if row is None else KeyInfo(*row)

    async def is_good(self, key_id: str) -> bool:
        """Return whether the key of that id is there and was not revoked."""
        return await self.by_id(key_id) is not None

    def revoke(self, key: str) -> KeyInfo:
        """Make a key useless, for good; `key` is its id, its shown beginning or the key itself.

        Raises:
            BadRequest: No key, or more than one, is called so.
        """
        values = {"name": _plain(key), "sha256": _digest(key), "now": int(self._now())}

        def revoke(db: Connection) -> Any:
            found = db.execute(_NAMED, values).fetchall()
            if len(found) != 1:
                raise _not_one(key, len(found))
            return db.execute(_REVOKE, {**values, "key_id": found[0][0]}).fetchone()

        revoked = KeyInfo(*self._database.write_now(revoke))
        self._good.clear()
        return revoked


def _by_digest(digest: bytes, db: Connection) -> Any:
    return db.execute(_BY_DIGEST, {"sha256": digest}).fetchone()


def _whose(digest: bytes, row: Any) -> KeyInfo | None:
    # What the index compares are digests, whose timing tells nothing of the key; this only makes
    # sure that a change to the statement above cannot let a wrong key in.
    if row is None or not hmac.compare_digest(row[0], digest):
        return None
    return KeyInfo(*row[1:])


def _plain(text: str) -> str:
    # Neither database holds a lone surrogate.
    return text.encode("utf-8", "replace").decode()


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def _not_one(key: str, count: int) -> BadRequest:
    shown = key[:_SHOWN]
    if count:
        return BadRequest(
            "ambiguous_key",
            f"{count} keys begin with {shown!r}; accepted is a key's id, see `retake keys list`",
            param="key",
        )
    return BadRequest(
        "unknown_key",
        f"no key is called {shown!r}; accepted is a key's id or shown beginning, see "
        "`retake keys list`",
        param="key",
    )
