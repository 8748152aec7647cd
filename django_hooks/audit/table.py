"""The audit table as its one writer sees it: rows are added once each, and told of in their order."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import DataError, router, transaction
from django.db.models import Max, QuerySet

from session_store.events import Event
from session_store.throttle import Throttle

from ..models import AuditEvent, AuditFollower
from .brief import brief_transaction
from .rows import in_ascii, to_rows

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


class Replaced(Exception):  # noqa: N818 - a state, not a mistake
    """Another process has taken the name over; nothing was written."""


@dataclass(frozen=True)
class Stored:
    """What became of some events: how many are new rows, were rows already, or were refused by the database."""

    new: int = 0
    known: int = 0
    refused: int = 0


def first_line(error: Exception) -> str:
    """Return what a database says is wrong, without what some add to it: the row with its personal data."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def events_to_write() -> QuerySet[AuditEvent]:
    """Return all rows, in the database that the site's routers have them written to."""
    return AuditEvent._default_manager.using(router.db_for_write(AuditEvent))


class AuditTable:
    """The table, for a follower of a name. Claim it before anything else is written.

    Every method may raise what Django's databases raise, `django.db.Error`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._token = ""

    @property
    def database(self) -> str:
        """The alias of the database that the site's routers name for the table."""
        return router.db_for_write(AuditEvent)

    def claim(self) -> None:
        """Become its one writer. What another has begun to write is finished, or undone, before this returns."""
        self._token = secrets.token_urlsafe(12)
        with brief_transaction(self.database):
            # Written before anything is read: SQLite refuses a transaction that becomes a writer later on.
            if not self._followers.filter(name=self.name).update(token=self._token):
                self._followers.create(name=self.name, token=self._token, told=self._newest)

    def store(self, events: Sequence[Event], *, told: bool) -> Stored:
        """Add a row for each event that has none, durably.

        Args:
            events: as the stream has them.
            told: nobody wants to be told of them.

        Raises:
            Replaced: this process is not the one writer any more.
        """
        rows = to_rows(events)
        try:
            return self._store(rows, told=told)
        except DataError as error:
            if _throttle.allows("data"):
                _log.warning("the database: %s; storing one by one", first_line(error))
            return self._store(rows, told=told, singly=True)

    def reasons_of(self, sids: Sequence[str]) -> Mapping[str, str]:
        """Return why sessions have ended, for those whose end is a row."""
        ends = self._events.filter(sid__in=sids, action=AuditEvent.Action.END)
        with brief_transaction(self.database):
            return dict(ends.values_list("sid", "reason"))

    def untold(self, limit: int) -> list[AuditEvent]:
        """Return rows that nobody was told of, in their order."""
        with brief_transaction(self.database):
            told = self._followers.values_list("told", flat=True).get(name=self.name)
            return list(self._events.filter(pk__gt=told).order_by("pk")[:limit])

    def note_told(self, row: AuditEvent) -> None:
        """Remember that everybody was told of everything up to a row.

        Raises:
            Replaced: this process is not the one writer any more.
        """
        with brief_transaction(self.database):
            self._update(told=row.pk)

    @property
    def _events(self) -> QuerySet[AuditEvent]:
        return events_to_write()

    @property
    def _followers(self) -> QuerySet[AuditFollower]:
        return AuditFollower._default_manager.using(self.database)

    @property
    def _newest(self) -> int:
        return self._events.aggregate(newest=Max("pk"))["newest"] or 0

    def _update(self, **values: int | str) -> None:
        if not self._followers.filter(name=self.name, token=self._token).update(**values):
            raise Replaced

    def _store(self, rows: list[AuditEvent], *, told: bool, singly: bool = False) -> Stored:
        refused = 0
        with brief_transaction(self.database):
            # First of all: from here on until the end, nobody else can become the one writer.
            self._update(token=self._token)
            before = self._newest
            if singly:
                refused = sum(not self._add_single(row) for row in rows)
            else:
                self._events.bulk_create(rows, ignore_conflicts=True)
            new = self._events.filter(pk__gt=before).count()
            if new and told:
                self._update(told=self._newest)
        return Stored(new, max(0, len(rows) - new - refused), refused)

    def _add_single(self, row: AuditEvent) -> bool:
        """Add a row, its texts in ASCII where the database does not know the characters. False: it refuses the row."""
        for mend in (lambda _: None, in_ascii):
            mend(row)
            try:
                with transaction.atomic(using=self.database):
                    self._events.bulk_create([row], ignore_conflicts=True)
            except DataError as error:
                problem = first_line(error)
            else:
                return True
        if _throttle.allows("refused"):
            _log.error("%s: the database refuses this event: %s; it is passed over", row.event_id, problem)
        return False
