"""What is to be done now and then beside following the stream, by the one process that does that."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error

from session_store import StoreUnavailable
from session_store.throttle import Throttle

#: Does a bounded piece of work, within about a second; it is called every second or more often.
Chore = Callable[[], object]

CHORES: list[Chore] = []

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def chore(function: Chore) -> Chore:
    """Have a function called while the stream is followed; also without events, and never by two processes at once."""
    if function not in CHORES:
        CHORES.append(function)
    return function


def do_chores() -> None:
    """Do each; one that fails does not keep the others from being done, and says so once a minute.

    Raises:
        StoreUnavailable: Redis is away.
        django.db.Error: the database is.
    """
    for function in CHORES:
        try:
            function()
        except (StoreUnavailable, Error):
            raise
        except Exception:  # noqa: BLE001 - it may do anything
            name = getattr(function, "__qualname__", repr(function))
            if _throttle.allows(name):
                _log.exception("%s failed; it is tried again", name)
