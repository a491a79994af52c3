"""A database that is away is nobody's fault; anything else that goes wrong is told."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
import sqlalchemy.exc

from retake.queue.step_records import are_away


def raised(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause", "away"),
    [
        (psycopg.OperationalError("gone"), None, True),
        (psycopg.errors.AdminShutdown("terminated"), None, True),
        (sqlalchemy.exc.DBAPIError("x", None, ValueError()), psycopg.OperationalError(), True),
        (RuntimeError("not launched"), psycopg.InterfaceError("closed"), True),
        (psycopg.errors.UndefinedTable("no such table"), None, False),
        (sqlite3.OperationalError("database or disk is full"), None, False),
        (ZeroDivisionError(), None, False),
    ],
)  # fmt: skip
def test_only_a_lost_postgresql_is_away(
    error: Exception, cause: Exception | None, *, away: bool
) -> None:
    assert are_away(raised(error, cause)) is away
