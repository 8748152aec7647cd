"""Tells the receivers of our signals what is new in the audit table: every row at least once, in their order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import close_old_connections

from ..models import AuditEvent
from ..signals import session_ended, session_started
from .table import AuditTable

#: Rows read at once.
PAGE = 200

#: Seconds between two notes of how far it has come: after a crash, as much is told again.
NOTE = 0.5


class Teller:
    """Tells of the rows of a table, from where an earlier process has stopped.

    The table itself remembers how far, so that nothing is told again only because Redis goes back to older data.
    """

    def __init__(self, table: AuditTable, *, stop: threading.Event, alive: Callable[[], object]) -> None:
        """Prepare a teller.

        Args:
            table: whose rows.
            stop: set by whoever wants an end; no further row is told then.
            alive: called between rows, which may take long.
        """
        self._table = table
        self._stop = stop
        self._alive = alive

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to be told."""
        return session_started.has_listeners(AuditEvent) or session_ended.has_listeners(AuditEvent)

    def step(self) -> bool:
        """Tell of some rows; whether there may be more.

        Raises:
            Replaced: another process does this now.
        """
        if not self.wanted:
            return False
        rows = self._table.untold(PAGE)
        well, noted, last = True, time.monotonic(), None
        for row in rows:
            if self._stop.is_set():
                break
            well &= _tell(row)
            last = row
            if time.monotonic() - noted > NOTE:
                self._table.note_told(row)
                self._alive()
                noted = time.monotonic()
        if last is not None:
            self._table.note_told(last)
        if not well:
            close_old_connections()  # a receiver may have left one broken
        return len(rows) == PAGE and not self._stop.is_set()


def _tell(row: AuditEvent) -> bool:
    if row.action == AuditEvent.Action.START:
        return session_started.tell(AuditEvent, event_id=row.event_id, row=row)
    return session_ended.tell(AuditEvent, event_id=row.event_id, row=row, reason=row.reason)
