"""Rows that are too old are removed, some at a time, so that nobody waits long for the table."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from ..models import AuditEvent
from .table import events_to_write

#: Rows removed together.
BATCH = 500


def old_events(before: datetime) -> QuerySet[AuditEvent]:
    """Return the rows of what happened before a time."""
    return events_to_write().filter(at__lt=before)


def purge(before: datetime) -> int:
    """Remove the rows of what happened before a time, the oldest first; return how many."""
    events, purged = events_to_write(), 0
    while keys := list(old_events(before).order_by("at").values_list("pk", flat=True)[:BATCH]):
        events.filter(pk__in=keys).delete()
        purged += len(keys)
    return purged
