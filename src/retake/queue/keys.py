"""API keys: who may use this server. Only a key's SHA-256 is stored.

The file is apart from the requests' (and in DELETE journal mode, so that two processes may write
to it): `retake keys …` works while the server runs, and the server reads every key anew from the
file, so that a revoked one stops working at once.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from retake.core.errors import BadRequest

_MARK = "rt_"
_SECRET_BYTES = 32
_SHOWN = len(_MARK) + 6
_MAX_NAME = 100
_BUSY_S = 10.0

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
where sha256 = ? and revoked_at is null
"""
_BY_ID = """
select key_id, name, shown, created_at, revoked_at from keys
where key_id = ? and revoked_at is null
"""
_GOOD = "select 1 from keys where key_id = ? and revoked_at is null"
_NAMED = "select key_id from keys where key_id = ? or shown = ? or sha256 = ?"
_INSERT = "insert into keys (key_id, name, shown, sha256, created_at) values (?, ?, ?, ?, ?)"
_REVOKE = """
update keys set revoked_at = coalesce(revoked_at, ?) where key_id = ?
returning key_id, name, shown, created_at, revoked_at
"""


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
    """The keys in one file. May be used from any thread.

    Args:
        path: The file; made, readable by its owner only, when it is not there.
        now: Gives Unix time in seconds.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        # SQLite would create the file with the umask's permissions.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(
            path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._db.execute("pragma journal_mode=delete")
        self._db.execute("pragma synchronous=full")
        self._db.execute(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

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
        row = (secrets.token_hex(8), name, key[:_SHOWN], _digest(key), int(self._now()))
        with self._lock:
            self._db.execute(_INSERT, row)
        return key

    def list(self) -> list[KeyInfo]:
        """Return all keys, the revoked ones too, oldest first."""
        with self._lock:
            rows = self._db.execute(_ALL).fetchall()
        return [KeyInfo(*row) for row in rows]

    def authenticate(self, key: str) -> KeyInfo | None:
        """Return whose key this is; None when it is unknown or revoked."""
        digest = _digest(key)
        with self._lock:
            row = self._db.execute(_BY_DIGEST, (digest,)).fetchone()
        # What the index compares are digests, whose timing tells nothing of the key; this only
        # makes sure that a change to the statement above cannot let a wrong key in.
        if row is None or not hmac.compare_digest(row[0], digest):
            return None
        return KeyInfo(*row[1:])

    def by_id(self, key_id: str) -> KeyInfo | None:
        """Return the key of that id; None when there is none or it was revoked."""
        with self._lock:
            row = self._db.execute(_BY_ID, (key_id,)).fetchone()
        return None if row is None else KeyInfo(*row)

    def is_good(self, key_id: str) -> bool:
        """Return whether the key of that id is there and was not revoked."""
        with self._lock:
            return self._db.execute(_GOOD, (key_id,)).fetchone() is not None

    def revoke(self, key: str) -> KeyInfo:
        """Make a key useless, for good; `key` is its id, its shown beginning or the key itself.

        Raises:
            BadRequest: No key, or more than one, is called so.
        """
        with self._lock:
            found = self._db.execute(_NAMED, (key, key, _digest(key))).fetchall()
            if len(found) != 1:
                raise _not_one(key, len(found))
            row = self._db.execute(_REVOKE, (int(self._now()), found[0][0])).fetchone()
        return KeyInfo(*row)


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
