"""What the auditor reads of sessions that begin, for the sweeper: one may end sooner than the next one known."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from session_store.events import Event
from session_store.keys import ShardKeys


class Soon:
    """Passes on deadlines, and wakes the sweeper for one that is nearer than what it waits for in that shard.

    Attributes:
        following: whether every session that begins is read of at once; if not, the sweeper must ask Redis more often.
    """

    def __init__(self) -> None:
        self.following = False
        self._lock = threading.Lock()
        self._sooner = threading.Event()
        self._known: dict[ShardKeys, float] = {}
        self._told: set[ShardKeys] = set()

    @property
    def told(self) -> set[ShardKeys]:
        """The shards with a deadline that is nearer than what the sweeper knows."""
        with self._lock:
            return set(self._told)

    def begin(self, shards: Iterable[ShardKeys]) -> None:
        """Note that Redis is about to be asked: whatever is told from now on may be missing in its answer."""
        with self._lock:
            for keys in shards:
                self._known[keys] = float("inf")
                self._told.discard(keys)
            if not self._told:
                self._sooner.clear()

    def expect(self, keys: ShardKeys, deadline: float) -> None:
        """Note the next deadline that the sweeper knows of in a shard, ms since the epoch."""
        with self._lock:
            self._known[keys] = deadline

    def tell(self, keys: ShardKeys, events: Iterable[Event]) -> None:
        """Note the deadlines of sessions that have begun in a shard."""
        soonest = min((deadline_of(event) for event in events if event.reason is None), default=float("inf"))
        with self._lock:
            if soonest < self._known.get(keys, float("inf")):
                self._told.add(keys)
                self._sooner.set()

    def wait(self, seconds: float) -> bool:
        """Wait for a deadline that is nearer; False where none has come in that time."""
        return self._sooner.wait(seconds)


def deadline_of(start: Event) -> float:
    """Return when a session that begins is to end, ms since the epoch, by its record."""
    record = start.record
    if record is None:
        return float("inf")
    return min(record.expires, start.at + record.idle) if record.idle else record.expires
