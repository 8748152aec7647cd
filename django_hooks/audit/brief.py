"""Transactions that don't wait long for somebody else's lock, so that a stop is soon noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

#: How long a statement waits for a lock: a second, in each database's own words.
BRIEF = {
    "sqlite": "PRAGMA busy_timeout = 1000",
    "postgresql": "SET LOCAL lock_timeout = 1000",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
}


@contextmanager
def brief_transaction(alias: str) -> Iterator[None]:
    """Open a transaction; whoever uses the connection afterwards waits as long as before.

    Raises:
        django.db.Error: it had to wait for more than about a second, or the database is away.
    """
    connection = connections[alias]
    restore = _restoring(connection)
    try:
        with transaction.atomic(using=alias):
            if connection.vendor in BRIEF:
                _execute(connection, BRIEF[connection.vendor])
            yield
    finally:
        if restore:
            # Where that fails the connection is broken, and with it what was set.
            with suppress(Error):
                _execute(connection, restore)


def _restoring(connection: BaseDatabaseWrapper) -> str | None:
    """Return what puts right again how long the connection waits; PostgreSQL does that by itself."""
    if connection.vendor == "mysql":
        return "SET SESSION innodb_lock_wait_timeout = DEFAULT"
    if connection.vendor == "sqlite":
        return f"PRAGMA busy_timeout = {_execute(connection, 'PRAGMA busy_timeout')[0]}"
    return None


def _execute(connection: BaseDatabaseWrapper, statement: str) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return (cursor.fetchone() if cursor.description else None) or ()
