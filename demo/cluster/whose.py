"""Whose sessions are where."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from redis.crc import key_slot

from session_store.keys import Keys


def slots_of_users(database: Path, shards: int) -> dict[str, int]:
    """Return the name of each of the site's users, and the slot with that user's sessions.

    Args:
        database: the site's.
        shards: over how many shards users are spread.
    """
    keys = Keys("sso", shards)  # a slot is chosen by the shard alone, whatever the prefix
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as site:
        users = site.execute("SELECT username, id FROM auth_user ORDER BY id LIMIT 10").fetchall()
    return {name: key_slot(keys.of_user(str(number)).sessions.encode()) for name, number in users}
