"""One port for the databases that requests are kept in: SQLite on one machine, PostgreSQL on many.

What is kept is said once, in SQL that both understand, with ``:name`` parameters; where they must
differ a statement has a text for each `Dialect`.
"""

from retake.queue.database.port import (
    Connection,
    ConstraintFailed,
    Cursor,
    Database,
    Dialect,
    Texts,
)

__all__ = ["Connection", "ConstraintFailed", "Cursor", "Database", "Dialect", "Texts"]
