"""Carries what began and ended from the stream into the audit table, and tells of it: no event is lost or stored twice.

A batch is read, its rows are committed, and only then it is acknowledged. What the stream brings again, the table
refuses: its rows are unique by event. Whoever starts, or finds that Redis is not what it was, attaches anew: what
lives in Redis though its end is in the table is removed there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from session_store import Store
from session_store.audit import AuditReader, Batch
from session_store.backlog import ends_of_streams, has_stored
from session_store.lease import LASTS, Lease
from session_store.living import bury_ended

from .table import AuditTable, Replaced, Stored
from .teller import Teller

#: Seconds that one step waits for something to come; a stop waits no longer.
WAIT = 1.0

#: Seconds between two looks of one that stands by.
RETRY = 0.5

#: Seconds between two looks whether Redis still knows the reader, while nothing comes.
LOOK = 5.0

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
        self._store = store
        self._name = name
        self._on_stored = on_stored
        self._stop = stop
        self._wait = wait
        self._lease = Lease(store, name, lasts=lease)
        self._teller = Teller(self.table, stop=stop, alive=self._lease.hold)
        self._reader: AuditReader | None = None
        self._looked = 0.0
        self._telling = False

    def step(self) -> float:
        """Store and tell what has come since the last step; return the seconds until the next one.

        Raises:
            StoreUnavailable: Redis is away.
            django.db.Error: the database is.
        """
        if not self._take_lease():
            return RETRY
        try:
            reader = self._reader or self._attach()
            if not self._telling or self._waits():
                self._store_batches(reader)
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
        return self._reader is not None

    def tell_all(self) -> None:
        """Tell what is stored, to the end."""
        if self.attached:
            while self._teller.step():
                pass

    def reset(self) -> None:
        """Forget what was known of Redis and of the table: the next step begins anew."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def close(self) -> None:
        """Let another take over at once."""
        self.reset()
        self._lease.release()

    def _take_lease(self) -> bool:
        held = self._lease.hold()
        if not held:
            self.reset()
            if not self.standby:
                _log.info("standing by: %s fills the audit table as %r", self._lease.holder, self._name)
        self.standby = not held
        return held

    def _attach(self) -> AuditReader:
        self.table.claim()
        reader = AuditReader(self._store, self._name, wait=self._wait)
        reader.attach()
        buried = bury_ended(self._store, self._ended)
        if buried:
            _log.warning("Redis has gone back: %d sessions had ended already and are ended again", buried)
        _log.info("filling the audit table as %r", self._name)
        self._reader, self._looked = reader, time.monotonic()
        return reader

    def _ended(self, sids: list[str]) -> dict[str, str]:
        # With very many sessions this takes longer than a lease, and than whoever asks for a stop will wait.
        self._lease.hold()
        if self._stop.is_set():
            raise Stopped
        return dict(self.table.reasons_of(sids))

    def _waits(self) -> bool:
        """Whether there is something to store: while there is something to tell, nothing else is waited for."""
        return not has_stored(self._store, self._name, ends_of_streams(self._store))

    def _store_batches(self, reader: AuditReader) -> None:
        batches = reader.read()
        good = all(self._store_batch(reader, batch) for batch in batches) if batches else self._still_attached(reader)
        if not good:
            _log.warning("Redis is not what it was; comparing it with the audit table")
            self.reset()

    def _store_batch(self, reader: AuditReader, batch: Batch) -> bool:
        """Store a batch and acknowledge it. False: begin anew."""
        self._on_stored(self.table.store(batch.events, told=not self._teller.wanted))
        return reader.acknowledge(batch)

    def _still_attached(self, reader: AuditReader) -> bool:
        """Look now and then whether Redis was emptied, or went back, while nothing came."""
        if time.monotonic() - self._looked < LOOK:
            return True
        self._looked = time.monotonic()
        return reader.attached()
