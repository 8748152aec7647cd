from __future__ import annotations

import pytest
from django.db import Error, connections

from django_hooks.audit.brief import brief_transaction

from .databases import ALIAS

#: What says how long a connection waits for locks.
QUESTIONS = {
    "sqlite3": "PRAGMA busy_timeout",
    "postgresql": "SHOW lock_timeout",
    "mysql": "SELECT @@innodb_lock_wait_timeout",
}


def waits(database) -> object:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(QUESTIONS[database.vendor])
        return cursor.fetchone()[0]


def test_a_transaction_waits_briefly_and_its_connection_as_ever_afterwards(database):
    before = waits(database)
    with brief_transaction(ALIAS):
        assert str(waits(database)) in {"1", "1s", "1000"}
    assert waits(database) == before
    with pytest.raises(LookupError), brief_transaction(ALIAS):
        raise LookupError
    assert waits(database) == before


def test_one_that_fails_tells_why_and_nothing_else(database):
    with pytest.raises(Error, match="nonsense"), brief_transaction(ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("nonsense")
