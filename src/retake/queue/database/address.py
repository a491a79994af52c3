"""Which database is meant by a text such as ``postgresql://user:password@host/name``."""

from __future__ import annotations

from retake.core.errors import BadRequest

SQLITE = "sqlite"
"""The setting's usual value: a file in the data folder."""

_SCHEMES = ("postgresql://", "postgres://")
_ACCEPTED = f"accepted is {SQLITE}, or postgresql://USER:PASSWORD@HOST:PORT/NAME"


def postgres_url(text: str) -> str | None:
    """Return the URL of a PostgreSQL database; None for the data folder's own SQLite.

    Raises:
        BadRequest: It is neither (``bad_database``). The message does not repeat it, since a
            password may be in it.
    """
    if text == SQLITE:
        return None
    if not text.startswith(_SCHEMES):
        raise BadRequest("bad_database", f"database is neither; {_ACCEPTED}", param="database")
    _parts(text)
    return text


def without_password(url: str) -> str:
    """Return a URL to be shown: who, where and which."""
    parts = _parts(url)
    user = f"{parts['user']}@" if "user" in parts else ""
    port = f":{parts['port']}" if "port" in parts else ""
    return f"postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}"


def _parts(url: str) -> dict[str, object]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error:
        raise BadRequest(
            "bad_database", f"database is a malformed URL; {_ACCEPTED}", param="database"
        ) from None
