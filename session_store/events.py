"""What the stream says began or ended, and how the audit log words it: Elastic Common Schema, nested objects, UTC."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import BadRecord
from .keys import SID
from .records import MAX_MS, Record, parse_record

REASON = re.compile(r"[a-z_]{1,40}")
TIME = re.compile(r"[0-9]{1,15}")

ACTIONS = {"start": "session-started", "end": "session-ended"}


@dataclass(frozen=True, slots=True)
class Event:
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

    def to_line(self) -> bytes:
        """Return the event as one line of the audit log."""
        return json.dumps(self.to_ecs(), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def parse_entry(position: bytes, fields: dict[bytes, bytes] | None, where: str) -> Event:
    """Read a stream entry.

    Raises:
        BadRecord: it is nothing that the store's scripts write.
    """
    texts = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in (fields or {}).items()}
    name, at = position.decode(), texts.get("at", "")
    where = f"{where} {name}"
    action, sid = texts.get("action", ""), texts.get("sid", "")
    if action not in ACTIONS or not SID.fullmatch(sid) or not TIME.fullmatch(at) or int(at) > MAX_MS:
        raise BadRecord(where, "the entry is neither a start nor an end")
    reason = texts.get("reason") if action == "end" else None
    # A newer site may have reasons that are not known here; its ends are ends all the same.
    if action == "end" and not REASON.fullmatch(reason or ""):
        raise BadRecord(where, f"the entry's reason is none: {str(reason)[:40]!r}")
    record = texts.get("record")
    return Event(name, action, sid, int(at), reason, texts.get("actor", ""), _record_or_none(record, where))


def timestamp(ms: float) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record_or_none(raw: str | None, where: str) -> Record | None:
    try:
        return parse_record(raw, where) if raw else None
    except BadRecord:
        return None  # the end itself counts; that the record is broken was said where it was read


def _describe(record: Record, document: dict[str, Any]) -> None:
    person = record.person
    user = {"id": person.user_id, "name": person.name, "email": person.email, "full_name": person.display_name}
    document["user"] = {key: text for key, text in user.items() if text}
    if person.ip:
        document["source"] = {"ip": person.ip}
    if person.user_agent:
        document["user_agent"] = {"original": person.user_agent}
