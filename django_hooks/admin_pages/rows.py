"""Sessions as a list of the admin shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from session_store import Person, Ref, Session

from ..audit.rows import moment
from ..devices import Device, read_device
from ..my_sessions.listing import JUST_NOW, current_token


@dataclass(frozen=True)
class Row:
    """A session.

    Attributes:
        value: names it in a form.
        current: it is the admin's own.
    """

    value: str
    person: Person
    device: Device
    started: datetime
    active: datetime
    expires: datetime
    wiki: bool
    current: bool

    @property
    def just_now(self) -> bool:
        """Whether it is in use."""
        return timezone.now() - self.active < JUST_NOW


def to_rows(sessions: Iterable[Session], request: HttpRequest) -> list[Row]:
    """Return sessions as they are shown to who asks."""
    token = current_token(request)
    return [_row(session, current=token is not None and token.sid == session.ref.sid) for session in sessions]


def value_of(ref: Ref) -> str:
    """Return what names a session in a form."""
    return f"{ref.shard}.{ref.sid}"


def _row(session: Session, *, current: bool) -> Row:
    record = session.record
    return Row(
        value=value_of(session.ref),
        person=record.person,
        device=read_device(record.person.user_agent),
        started=moment(record.created),
        active=moment(session.last_active),
        expires=moment(session.deadline if session.deadline > 0 else record.expires),
        wiki=record.in_wiki is not None,
        current=current,
    )
