"""PostgreSQL as a `Database`, for many machines."""

from retake.queue.database.postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
