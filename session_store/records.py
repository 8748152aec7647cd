"""Who a session belongs to and how it began, as JSON in Redis.

A record outlives its session's key, so that an end can be audited with a name. Its times are put in by the script
that opens the session, from Redis' clock; here they are only read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import BadRecord

#: Of the records written here. A reader takes any version whose fields it can read and passes on what it doesn't know.
VERSION = 1

#: The last ms of the year 9999, since the epoch: what is later is no time that can be written down.
MAX_MS = 253_402_300_799_999

#: Characters kept of each text: enough for people, a bound for what a browser sends.
LIMITS = {"name": 255, "email": 320, "display": 255, "ip": 45, "agent": 512}


@dataclass(frozen=True)
class Person:
    """Who logs in, and from where: what the site knows when it opens a session."""

    user_id: str
    name: str
    email: str = ""
    display_name: str = ""
    ip: str = ""
    user_agent: str = ""

    def to_json(self, *, idle_ms: int | None = None) -> str:
        """Return the record without its times; texts are cut to `LIMITS`, empty ones are left out."""
        texts = {
            "user": self.user_id,
            "name": self.name,
            "email": self.email,
            "display": self.display_name,
            "ip": self.ip,
            "agent": self.user_agent,
        }
        fields: dict[str, Any] = {"v": VERSION}
        if idle_ms:
            fields["idle"] = idle_ms
        fields |= {key: _clean(text)[: LIMITS.get(key)] for key, text in texts.items() if text}
        # The scripts read times by pattern, which holds because nothing is put between a name and its number.
        return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class Record:
    """A record as Redis keeps it.

    Attributes:
        created: when the session was opened, ms since the epoch.
        expires: the absolute end of its life, ms since the epoch.
        idle: the idle timeout it was opened with, ms, or None.
        extra: fields of other versions, as they are.
    """

    person: Person
    created: int
    expires: int
    idle: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def parse_record(raw: bytes | str, where: str) -> Record:
    """Read a record.

    Args:
        raw: the JSON text.
        where: the key and field it came from, for the message.

    Raises:
        BadRecord: it is no JSON object, or a field has the wrong type.
    """
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadRecord(where, "the record is not JSON") from None
    if not isinstance(fields, dict):
        raise BadRecord(where, "the record is not a JSON object")
    texts = {key: _take(fields, key, str, "", where) for key in ("user", *LIMITS)}
    if not texts["user"] or not texts["name"]:
        raise BadRecord(where, "the record names no user")
    idle = _take(fields, "idle", int, 0, where)
    created, expires = (_take(fields, key, int, 0, where) for key in ("created", "expires"))
    if not (0 < created <= MAX_MS and 0 < expires <= MAX_MS):
        raise BadRecord(where, "the record has no times")
    person = Person(texts["user"], texts["name"], texts["email"], texts["display"], texts["ip"], texts["agent"])
    extra = {key: value for key, value in fields.items() if key not in _KNOWN}
    return Record(person, created, expires, idle or None, extra)


_KNOWN = {"v", "created", "expires", "idle", "user", *LIMITS}


def _take(fields: dict[str, Any], key: str, kind: type, default: Any, where: str) -> Any:
    value = fields.get(key, default)
    if type(value) is not kind:
        raise BadRecord(where, f"the record's {key!r} is not {'a text' if kind is str else 'a whole number'}")
    if isinstance(value, str) and value != _clean(value):
        raise BadRecord(where, f"the record's {key!r} is not Unicode")
    return value


def _clean(text: str) -> str:
    """Drop what UTF-8 can't carry: lone surrogates, as a header's odd bytes decode to."""
    return text.encode("utf-8", "ignore").decode("utf-8")
