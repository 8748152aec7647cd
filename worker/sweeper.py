"""The second way of knowing: deadlines. The sorted set says when the next session is due, so that it ends in time."""

from __future__ import annotations

from session_store import Store
from session_store.keys import ShardKeys

from .report import Report

#: Seconds after which the next deadline is asked for again: opening a session fires no event.
LOOK = 0.5


class Sweeper:
    """Wakes when a session is due and ends what is due, oldest first, in batches."""

    name = "sweeper"

    def __init__(self, *, store: Store, report: Report) -> None:
        self._store = store
        self._report = report

    def step(self) -> float:
        """End a batch in every shard; return the seconds until the next deadline, at most `LOOK`."""
        return min(self._sweep(keys) for keys in self._store.keys.shards)

    def reset(self) -> None:
        """Nothing is kept between two steps."""

    def _sweep(self, keys: ShardKeys) -> float:
        due, ends = self._store.end_due(keys)
        self._report.ended(ends)
        if due.refs:
            return 0.0
        return LOOK if due.next is None else min(LOOK, max(0, due.next - due.now) / 1000)
