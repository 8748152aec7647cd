"""What a stream's event looks like as a row of the audit table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from session_store.events import Event

from ..addresses import keep_address
from ..models import AuditEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The texts that whoever logs in, or the site, has chosen: they may hold anything.
FREE_TEXTS = ("user_name", "email", "display_name", "user_agent", "user_id", "actor")

_LENGTHS = {field.name: field.max_length for field in AuditEvent._meta.concrete_fields}


def to_rows(events: Iterable[Event]) -> list[AuditEvent]:
    """Return the events as rows that are not stored yet.

    Raises:
        ConfigurationError: ``WIKI_AUDIT_IP`` can't be used.
    """
    now = _local(datetime.now(UTC))
    return [_to_row(event, now) for event in events]


def in_ascii(row: AuditEvent) -> None:
    """Spell a row's texts so that any database's character set has them."""
    for name in FREE_TEXTS:
        setattr(row, name, getattr(row, name).encode("ascii", "replace").decode())


def moment(ms: int) -> datetime:
    """Return a time (ms since the epoch) as the site's database takes it."""
    return _local(EPOCH + timedelta(milliseconds=ms))


def _to_row(event: Event, now: datetime) -> AuditEvent:
    row = AuditEvent(
        sid=event.sid,
        action=event.action,
        at=moment(event.at),
        reason=_text("reason", event.reason or ""),
        actor=_text("actor", event.actor),
        stored_at=now,
    )
    if event.record:
        person = event.record.person
        row.user_id = _text("user_id", person.user_id)
        row.user_name = _text("user_name", person.name)
        row.email = _text("email", person.email)
        row.display_name = _text("display_name", person.display_name)
        row.ip = keep_address(person.ip) or None
        row.user_agent = _text("user_agent", person.user_agent)
        row.started_at = moment(event.record.created)
        row.expires_at = moment(event.record.expires)
        if event.action == AuditEvent.Action.END:
            row.duration = timedelta(milliseconds=max(0, event.at - event.record.created))
    return row


def _text(name: str, text: str) -> str:
    """Drop what PostgreSQL refuses, and what a column has no room for."""
    return text.replace("\0", "")[: _LENGTHS[name]]


def _local(time: datetime) -> datetime:
    return time if settings.USE_TZ else _naive(time)


def _naive(time: datetime) -> datetime:
    try:
        return timezone.make_naive(time)
    except OverflowError:  # the last hours of the year 9999
        return time.replace(tzinfo=None)
