"""The second way of knowing: deadlines. The sorted set says when the next session is due, so that it ends in time."""

from __future__ import annotations

import threading
import time
from typing import Any

from session_store import Ref, Store, verbs
from session_store.keys import ShardKeys
from session_store.scripts import Call
from session_store.sessions import Due

from .recent import Recent
from .report import Report
from .soon import Soon

#: Seconds after which the next deadline is asked for again: opening a session fires no event.
LOOK = 0.5

#: The same where the auditor tells of every session that begins; then only what was changed by hand is found so.
LOOK_FOLLOWING = 2.0

NEVER = float("inf")

#: Seconds that one step waits; a stop waits no longer.
NAP = 0.2

#: Full batches in a row from which on the worker counts as behind.
MANY = 10


class Sweeper:
    """Wakes when a session is due and ends what is due, oldest first, in batches.

    Args:
        store: the sessions.
        report: where ends are counted.
        worker: this worker's name; of several, one comes first.
        soon: what the auditor tells of sessions that begin.
        recent: told what is found due.
        behind: set while full batches are due one after the other.
    """

    name = "sweeper"

    def __init__(
        self, *, store: Store, report: Report, worker: str, soon: Soon, recent: Recent, behind: threading.Event
    ) -> None:
        self._store = store
        self._report = report
        self._worker = worker
        self._soon = soon
        self._recent = recent
        self._behind = behind
        self._full = 0
        self._found: dict[ShardKeys, list[Ref]] = {}
        self._next = 0.0

    def step(self) -> float:
        """Wait for the next deadline, but not long; where it has come, end a batch in every shard."""
        left = self._next - time.monotonic()
        if left > 0 and not self._soon.wait(min(left, NAP)) and left > NAP:
            return 0.0
        self._soon.begin()
        self._full += 1
        dues = [self._sweep(keys) for keys in self._store.keys.shards]
        self._soon.expect(min(map(_next_deadline, dues)))
        look = LOOK_FOLLOWING if self._soon.following else LOOK
        self._next = time.monotonic() + min(look, *map(_seconds_left, dues))
        if self._full >= MANY:
            self._behind.set()
        elif self._full == 0:
            self._behind.clear()
        return 0.0

    def reset(self) -> None:
        """Forget what was found due: the next step asks again."""
        self._full = 0
        self._found = {}
        # The others wait while it is behind; they are not to wait for one that can't go on.
        self._behind.clear()

    def _sweep(self, keys: ShardKeys) -> Due:
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
            self._recent.add(due.refs)
        return due  # type: ignore[no-any-return] # what the call's parse gives


def _seconds_left(due: Due) -> float:
    if due.refs:
        return 0.0
    return NEVER if due.left is None else due.left / 1000


def _next_deadline(due: Due) -> float:
    return NEVER if due.left is None else due.now + due.left
