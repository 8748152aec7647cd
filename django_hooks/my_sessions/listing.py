"""A user's sessions as the page shows them: those that live, from Redis, and those that ended, from the audit table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from session_store import Ref, Session, Token

from ..audit.rows import moment
from ..conf import conf
from ..devices import Device, read_device
from ..models import AuditEvent, AuditFollower
from ..notes import Note
from ..people import user_id
from ..reasons import say_why
from ..stores import get_store

#: For how long what has ended is shown, and how many of it at most.
KEPT, MOST = timedelta(days=28), 50

#: What was active so long ago is active now: its note is that old at times.
JUST_NOW = timedelta(minutes=6)


@dataclass(frozen=True)
class Live:
    """A session that lives.

    Attributes:
        key: shows that the page has named this session to this user, who may hear that it has ended meanwhile.
        current: it is the one that asks.
        active: when it was last used; to about five minutes.
        wiki: when it was last used in the wiki; None: never.
    """

    ref: Ref
    key: str
    current: bool
    device: Device
    ip: str
    started: datetime
    active: datetime
    expires: datetime
    site: datetime
    wiki: datetime | None

    @property
    def just_now(self) -> bool:
        """Whether it is in use."""
        return self.current or timezone.now() - self.active < JUST_NOW


@dataclass(frozen=True)
class Ended:
    """A session that has ended."""

    device: Device
    ip: str
    why: str
    at: datetime
    started: datetime | None

    @property
    def brief(self) -> bool:
        """Whether it lasted less than can be told in minutes."""
        return self.started is not None and self.at - self.started < timedelta(minutes=1)


def live_sessions(request: HttpRequest) -> list[Live]:
    """Return the sessions of who asks, the one that asks first, then those used last; one round trip.

    None while the app is switched off.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    if not conf.enabled:
        return []
    current = current_token(request)
    found = get_store().sessions_of(user_id(request.user))
    rows = [_live(request.user, session, current) for session in found]
    return sorted(rows, key=lambda row: (not row.current, -row.active.timestamp(), row.ref.sid))


def current_token(request: HttpRequest) -> Token | None:
    """Return the token of the session that asks, where it has been opened."""
    note = Note.read(request.session)
    return note.opened if note else None


def ended_sessions(user: Any) -> list[Ended]:
    """Return what has ended lately, the last one first."""
    mine = user_id(user)
    since = timezone.now() - KEPT
    rows = AuditEvent.objects.filter(user_id=mine, action=AuditEvent.Action.END, at__gte=since).order_by("-at", "-pk")
    return [
        Ended(
            device=read_device(row.user_agent),
            ip=row.ip or "",
            why=say_why(row.reason, user_id=mine, actor=row.actor),
            at=row.at,
            started=row.started_at,
        )
        for row in rows[:MOST]
    ]


def is_recorded() -> bool:
    """Whether anybody fills the audit table."""
    return AuditFollower.objects.exists()


def key_of(user: Any, sid: str) -> str:
    """Return what shows that a page has named a session to a user."""
    return salted_hmac("django_hooks.my_sessions", f"{user_id(user)} {sid}", algorithm="sha256").hexdigest()[:32]


def was_named(user: Any, sid: str, key: str) -> bool:
    """Whether a page has named a session to a user."""
    return constant_time_compare(key_of(user, sid), key)


def _live(user: Any, session: Session, current: Token | None) -> Live:
    record = session.record
    return Live(
        ref=session.ref,
        key=key_of(user, session.ref.sid),
        current=current is not None and session.ref.sid == current.sid,
        device=read_device(record.person.user_agent),
        ip=record.person.ip,
        started=moment(record.created),
        active=moment(session.last_active),
        expires=moment(session.deadline if session.deadline > 0 else record.expires),
        site=moment(record.on_site),
        wiki=None if record.in_wiki is None else moment(record.in_wiki),
    )
