"""Carries what began and ended from the stream into the audit table, and tells of it: no event is lost or stored twice.

A batch is read, its rows are committed, and only then it is acknowledged. What the stream brings again, the table
refuses: its rows are unique by event. Whoever starts, or finds that Redis is not what it was, attaches anew: what
lives in Redis though its end is in the table is removed there. Where each shard is a lane of its own, one that can't be
reached waits alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from session_store import Store, StoreUnavailable
from session_store.audit import Batch
from session_store.inbox import wait_for_any
from session_store.lease import LASTS, Lease

from .lane import PAUSE, Lane
from .table import AuditTable, Replaced, Stored
from .teller import Teller

#: Seconds that one step waits for something to come; a stop waits no longer.
WAIT = 1.0

#: Seconds between two looks of one that stands by.
RETRY = 0.5

#: Seconds between two looks whether users are spread over more shards, or were, than is known.
LEARN = 30.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Stopped(Exception):  # noqa: N818 - a state, not a mistake
    """A stop came in the middle of something long."""


class Follower:
    """Fills the table, as the reader of a name. Of several, one does and the others stand by."""

    def __init__(
        self,
        *,
        store: Store,
        name: str,
        stop: threading.Event,
        on_stored: Callable[[Stored], object],
        wait: float = WAIT,
        lease: float = LASTS,
    ) -> None:
        """Prepare a follower.

        Args:
            store: whose stream.
            name: the reader's, in Redis and in the table; one for each table.
            stop: set by whoever wants an end.
            on_stored: told what has become of each batch.
            wait: seconds that a step waits for something to come.
            lease: seconds after which another takes over from one that says nothing.
        """
        self.table = AuditTable(name)
        self.standby = False
        self._name = name
        self._on_stored = on_stored
        self._stop = stop
        self._wait = wait
        self._lease = Lease(store, name, lasts=lease)
        self._teller = Teller(self.table, stop=stop, alive=self._hold)
        self._store = store
        self._lanes: list[Lane] = []
        self._learnt = float("-inf")
        self._claimed = False
        self._telling = False

    def step(self) -> float:
        """Store and tell what has come since the last step; return the seconds until the next one.

        Raises:
            StoreUnavailable: Redis is away, all of it.
            django.db.Error: the database is.
        """
        self._learn()
        if not self._take_lease():
            return RETRY
        try:
            self._claim()
            self._each(lambda lane: lane.attach(self._ended))
            if not self._telling or any(self._each(Lane.waits)):
                self._follow()
            self._telling = self._teller.step()
        except Replaced:
            _log.warning("another process fills the audit table as %r now", self._name)
            self.reset()
            self._lease.doubt()
        except Stopped:
            self.reset()
        return 0.0

    @property
    def attached(self) -> bool:
        """Whether it is the one that fills the table, as far as it knows."""
        return any(lane.attached for lane in self._lanes)

    def tell_all(self) -> None:
        """Tell what is stored, to the end."""
        if self.attached:
            while self._teller.step():
                pass

    def reset(self) -> None:
        """Forget what was known of Redis and of the table: the next step begins anew."""
        self._claimed = False
        for lane in self._lanes:
            lane.reset()

    def close(self) -> None:
        """Let another take over at once."""
        self.reset()
        self._lease.release()

    def _learn(self) -> None:
        """See to it that there is a lane for all shards."""
        if time.monotonic() - self._learnt < LEARN:
            return
        self._learnt = time.monotonic()
        with suppress(StoreUnavailable):  # who asks next will say so
            self._store.learn()
        known = {lane.shards: lane for lane in self._lanes}
        self._lanes = [
            known.get(shards) or Lane(self._store, shards, self._name, wait=self._wait) for shards in self._store.lanes
        ]
        for lane in known.values():
            if lane not in self._lanes:
                lane.reset()

    def _take_lease(self) -> bool:
        held = self._hold()
        if not held:
            self.reset()
            if not self.standby:
                _log.info("standing by: %s fills the audit table as %r", self._lease.holder, self._name)
        self.standby = not held
        return held

    def _hold(self) -> bool:
        try:
            return self._lease.hold()
        except StoreUnavailable:
            # While its node is down nobody else gets it either; if another has, the table says so.
            if len(self._lanes) == 1 or not self._lease.held:
                raise
            return True

    def _claim(self) -> None:
        if not self._claimed:
            self.table.claim()
            self._claimed = True
            _log.info("filling the audit table as %r", self._name)

    def _ended(self, sids: list[str]) -> dict[str, str]:
        # With very many sessions this takes longer than a lease, and than whoever asks for a stop will wait.
        self._hold()
        if self._stop.is_set():
            raise Stopped
        return dict(self.table.reasons_of(sids))

    def _each(self, do: Callable[[Lane], T]) -> list[T]:
        """Do something in every lane that can be reached, and return what that gives.

        Raises:
            StoreUnavailable: none can.
        """
        done = []
        for lane in self._lanes:
            try:
                if not lane.paused:
                    done.append(do(lane))
            except StoreUnavailable as error:
                if len(self._lanes) > 1:
                    lane.pause(error)
                if len(self._lanes) == 1 or all(each.paused for each in self._lanes):
                    raise
        return done

    def _follow(self) -> None:
        """Wait for something to come, in whatever lane, and store it."""
        if not any(self._each(self._store_batches)):
            inboxes = [lane.inbox for lane in self._lanes if lane.inbox]
            wait_for_any(inboxes, self._wait if len(inboxes) == len(self._lanes) else min(self._wait, PAUSE))
            if not any(self._each(self._store_batches)):
                self._each(self._look)

    def _store_batches(self, lane: Lane) -> bool:
        """Store what has come in a lane; whether anything had."""
        batches = lane.read()
        if not all(self._store_batch(lane, batch) for batch in batches):
            self._doubt(lane)
        return bool(batches)

    def _store_batch(self, lane: Lane, batch: Batch) -> bool:
        """Store a batch and acknowledge it. False: begin anew."""
        self._on_stored(self.table.store(batch.events, told=not self._teller.wanted))
        return lane.acknowledge(batch)

    def _look(self, lane: Lane) -> None:
        if not lane.still_attached():
            self._doubt(lane)

    @staticmethod
    def _doubt(lane: Lane) -> None:
        _log.warning("Redis is not what it was; comparing it with the audit table")
        lane.reset()
