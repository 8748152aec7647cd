"""Storing what waits, and no more."""

from __future__ import annotations

import threading

from session_store import Store
from session_store.backlog import ends_of_streams, has_stored

from ..chores import do_chores
from .follower import Follower


def store_what_waits(follower: Follower, *, store: Store, stop: threading.Event) -> bool:
    """See to it that what waits now is stored, whoever does it, and tell of it. False: stopped before.

    Raises:
        StoreUnavailable: Redis is away.
        django.db.Error: the database is.
    """
    ends = ends_of_streams(store)
    try:
        while not stop.is_set():
            pause = follower.step()
            if has_stored(store, follower.table.name, ends):
                follower.tell_all()
                if follower.attached:
                    do_chores()
                return True
            stop.wait(pause)
        return False
    finally:
        follower.close()
