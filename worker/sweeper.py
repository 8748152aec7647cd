"""The second way of knowing: deadlines. The sorted set says when the next session is due, so that it ends in time."""

from __future__ import annotations

import time
from typing import Any

from session_store import Ref, Store, verbs
from session_store.keys import ShardKeys
from session_store.scripts import Call
from session_store.sessions import Due

from .lane import Lane
from .report import Report

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
        lane: which of them; while full batches are due one after the other, it is behind.
        report: where ends are counted.
        worker: this worker's name; of several, one comes first.
    """

    def __init__(self, *, store: Store, lane: Lane, report: Report, worker: str) -> None:
        self.name = f"sweeper{lane.label}"
        self._store = store
        self._shards = lane.shards
        self._report = report
        self._worker = worker
        self._soon = lane.soon
        self._recent = lane.recent
        self._behind = lane.behind
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
        dues = self._sweep()
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

    def _sweep(self) -> list[Due]:
        """End what was found due, and ask in the same round trip what is due next, in every shard."""
        ends: list[Call[Any]] = [
            verbs.end(keys, refs, "lost", only_gone=True, actor="") for keys, refs in self._found.items()
        ]
        asks = [verbs.due(keys, verbs.BATCH, worker=self._worker) for keys in self._shards]
        answers = self._store.run_all([*ends, *asks])
        self._found = {}
        for ended in answers[: len(ends)]:
            self._report.ended(ended)
        dues: list[Due] = answers[len(ends) :]
        for keys, due in zip(self._shards, dues, strict=True):
            if due.refs:
                self._found[keys] = due.refs
                self._recent.add(due.refs)
        # A shard that is not done makes the whole lane's step a full one.
        if all(len(due.refs) < verbs.BATCH for due in dues):
            self._full = 0
        return dues


def _seconds_left(due: Due) -> float:
    if due.refs:
        return 0.0
    return NEVER if due.left is None else due.left / 1000


def _next_deadline(due: Due) -> float:
    return NEVER if due.left is None else due.now + due.left
