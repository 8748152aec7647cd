"""What began or ended, and how the audit log words it: Elastic Common Schema, nested objects, UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from .records import Record

ACTIONS = {"start": "session-started", "end": "session-ended"}

_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True):
    """A session's start or end.

    Attributes:
        position: the stream entry's id; a sequence only, it can start again after a loss of data.
        action: ``start`` or ``end``.
        at: when it really happened, ms since the epoch; for an expiry the deadline.
        reason: why it ended.
        actor: the id of the user who ended it, where that was somebody else.
        record: whose it was; None where Redis had lost that.
    """

    position: str
    action: str
    sid: str
    at: int
    reason: str | None = None
    actor: str = ""
    record: Record | None = None

    @property
    def id(self) -> str:
        """A name that is unique whatever happens to Redis: a session starts once and ends once."""
        return f"{self.sid}-{self.action}"

    def to_ecs(self, *, written: float | None = None) -> dict[str, Any]:
        """Return the event as the audit log has it.

        Args:
            written: when it is written down, seconds since the epoch; now, if not given.
        """
        event: dict[str, Any] = {
            "kind": "event",
            "category": ["session"],
            "type": [self.action],
            "id": self.id,
            "action": ACTIONS[self.action],
        }
        document: dict[str, Any] = {
            "@timestamp": timestamp((time.time() if written is None else written) * 1000),
            "event": event,
            "session": {"id": self.sid},
        }
        if self.action == "start":
            event["start"] = timestamp(self.at)
        else:
            event["reason"] = self.reason
            event["end"] = timestamp(self.at)
        if self.actor:
            event["actor"] = self.actor
        if self.record:
            _describe(self.record, document)
            if self.action == "end":
                event["start"] = timestamp(self.record.created)
                event["duration"] = max(0, self.at - self.record.created) * 1_000_000
        return document

    def to_line(self, *, written: float | None = None) -> bytes:
        """Return the event as one line of the audit log; `written` as for `to_ecs`."""
        return _encode(self.to_ecs(written=written)) + b"\n"


def timestamp(ms: float) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    second, rest = divmod(int(ms), 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    """Return a time to the second; ends that come together share most of them."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _describe(record: Record, document: dict[str, Any]) -> None:
    person = record.person
    user = document["user"] = {"id": person.user_id, "name": person.name}
    if person.email:
        user["email"] = person.email
    if person.display_name:
        user["full_name"] = person.display_name
    if person.ip:
        document["source"] = {"ip": person.ip}
    if person.user_agent:
        document["user_agent"] = {"original": person.user_agent}
