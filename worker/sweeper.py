"""The second way of knowing: deadlines. The sorted set says when the next session is due, so that it ends in time."""

from __future__ import annotations

import threading
from typing import Any

from session_store import Ref, Store, verbs
from session_store.keys import ShardKeys
from session_store.scripts import Call

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
        self._found: dict[ShardKeys, list[Ref]] = {}

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
        """Forget what was found due: the next step asks again."""
        self._full = 0
        self._found = {}

    def _sweep(self, keys: ShardKeys) -> float:
        """End what was found due, and ask in the same round trip what is due next."""
        found = self._found.pop(keys, [])
        calls: list[Call[Any]] = [verbs.end(keys, found, "lost", only_gone=True, actor="")] if found else []
        *ended, due = self._store.run_all([*calls, verbs.due(keys, verbs.BATCH, worker=self._worker)])
        for ends in ended:
            self._report.ended(ends)
        if len(due.refs) < verbs.BATCH:
            self._full = 0
        if due.refs:
            self._found[keys] = due.refs
            return 0.0
        return LOOK if due.left is None else min(LOOK, due.left / 1000)
