"""Made-up events and lines of the audit log, numbered."""

from __future__ import annotations

from session_store import Person
from session_store.events import Event
from session_store.records import Record

#: When the made-up sessions were opened, ms since the epoch.
DAWN = 1_760_000_000_000


def sid(number: int) -> str:
    """A sid that shows its number."""
    return f"{number:022d}"


def start(number: int, agent: str = "") -> Event:
    """A session's start."""
    return Event("1-1", "start", sid(number), DAWN, record=_record(agent))


def end(number: int, reason: str = "expired", agent: str = "") -> Event:
    """A session's end, an hour later."""
    return Event("1-2", "end", sid(number), DAWN + 3_600_000, reason, record=_record(agent))


def text(*events: Event) -> bytes:
    """The events as the audit log has them."""
    return b"".join(event.to_line() for event in events)


def _record(agent: str) -> Record:
    person = Person("7", "sally", ip="192.0.2.7", user_agent=agent)
    return Record(person, DAWN, DAWN + 3_600_000)
