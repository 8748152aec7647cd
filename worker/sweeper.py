"""The second way of knowing: deadlines. The sorted set says when the next session is due, so that it ends in time."""

from __future__ import annotations

import threading

from session_store import Store
from session_store.keys import ShardKeys
from session_store.verbs import BATCH

from .report import Report

#: Seconds after which the next deadline is asked for again: opening a session fires no event.
LOOK = 0.5

#: Full batches in a row from which on the worker counts as behind.
MANY = 10


class Sweeper:
    """Wakes when a session is due and ends what is due, oldest first, in batches.

    Args:
        store: the sessions.
        report: where ends are counted.
        worker: this worker's name; of several, one comes first.
        behind: set while full batches are due one after the other.
    """

    name = "sweeper"

    def __init__(self, *, store: Store, report: Report, worker: str, behind: threading.Event) -> None:
        self._store = store
        self._report = report
        self._worker = worker
        self._behind = behind
        self._full = 0

    def step(self) -> float:
        """End a batch in every shard; return the seconds until the next deadline, at most `LOOK`."""
        self._full += 1
        pause = min(self._sweep(keys) for keys in self._store.keys.shards)
        if self._full >= MANY:
            self._behind.set()
        elif self._full == 0:
            self._behind.clear()
        return pause

    def reset(self) -> None:
        """Nothing is kept between two steps but how far behind it is."""
        self._full = 0

    def _sweep(self, keys: ShardKeys) -> float:
        due, ends = self._store.end_due(keys, worker=self._worker)
        self._report.ended(ends)
        if len(due.refs) < BATCH:
            self._full = 0
        if due.refs:
            return 0.0
        return LOOK if due.left is None else min(LOOK, due.left / 1000)
