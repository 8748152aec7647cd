"""Who a session belongs to and how it began, as JSON in Redis.

A record outlives its session's key, so that an end can be audited with a name. Its times are put in by the script
that opens the session, from Redis' clock; here they are only read.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .errors import BadRecord

#: Of the records written here. A reader takes any version whose fields it can read and passes on what it doesn't know.
VERSION = 1

#: The last ms of the year 9999, since the epoch: what is later is no time that can be written down.
MAX_MS = 253_402_300_799_999

#: Characters kept of each text: enough for people, a bound for what a browser sends.
LIMITS = {"name": 255, "email": 320, "display": 255, "ip": 45, "agent": 512, "groups": 4000}


class Person(msgspec.Struct, frozen=True):
    """Who logs in, and from where: what the site knows when it opens a session."""

    user_id: str
    name: str
    email: str = ""
    display_name: str = ""
    ip: str = ""
    user_agent: str = ""
    groups: tuple[str, ...] = ()

    def to_json(self, *, idle_ms: int | None = None) -> str:
        """Return the record without its times; texts are cut to `LIMITS`, empty ones are left out."""
        texts = {
            "user": self.user_id,
            "name": self.name,
            "email": self.email,
            "display": self.display_name,
            "ip": self.ip,
            "agent": self.user_agent,
            "groups": self._lines_of_groups,
        }
        fields: dict[str, Any] = {"v": VERSION}
        if idle_ms:
            fields["idle"] = idle_ms
        fields |= {key: _clean(text)[: LIMITS.get(key)] for key, text in texts.items() if text}
        # The scripts read times by pattern, which holds because nothing is put between a name and its number.
        return _json(fields)

    @property
    def profile(self) -> dict[str, str]:
        """What may change while a session lives, field by field, as it stands in the record; empty: it is not there."""
        texts = {"name": self.name, "email": self.email, "display": self.display_name, "groups": self._lines_of_groups}
        return {key: _json(_clean(text)[: LIMITS[key]]) if text else "" for key, text in texts.items()}

    @property
    def _lines_of_groups(self) -> str:
        """A line for each group. A name is there whole or not at all: a part of it is another name."""
        lines = ""
        for group in self.groups:
            longer = f"{lines}\n{group}" if lines else group
            if group and group.splitlines() == [group] and len(longer) <= LIMITS["groups"]:
                lines = longer
        return lines


class Record(msgspec.Struct, frozen=True):
    """A record as Redis keeps it.

    Attributes:
        created: when the session was opened, ms since the epoch.
        expires: the absolute end of its life, ms since the epoch.
        idle: the idle timeout it was opened with, ms, or None.
        on_site: when it was last active on the site, ms since the epoch, to about five minutes.
        in_wiki: the same in the wiki; None: it never was.
    """

    person: Person
    created: int
    expires: int
    idle: int | None = None
    on_site: int = 0
    in_wiki: int | None = None


def user_in_record(user_id: str) -> str:
    """Return how a user stands in the JSON of a record, and nobody else: the quotes within texts are escaped."""
    return '"user":' + _json(_clean(user_id))


def parse_record(raw: bytes | str, *where: str) -> Record:
    """Read a record; fields of other versions are passed over, and stay in Redis as they are.

    Args:
        raw: the JSON text.
        where: the key and field it came from, or one text with both, for the message.

    Raises:
        BadRecord: it is no JSON object, a field has the wrong type, or one that is needed is missing.
    """
    try:
        kept = _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadRecord(" ".join(where), f"the record can't be used: {error}") from None
    person = Person(
        kept.user,
        kept.name,
        kept.email,
        kept.display,
        kept.ip,
        kept.agent,
        tuple(kept.groups.split("\n")) if kept.groups else (),
    )
    return Record(
        person,
        kept.created,
        kept.expires,
        kept.idle or None,
        _minutes_after(kept.created, kept.site) if kept.site else kept.created,
        None if kept.wiki is None else _minutes_after(kept.created, kept.wiki),
    )


_Needed = Annotated[str, Meta(min_length=1)]
_Time = Annotated[int, Meta(gt=0, le=MAX_MS)]


class _Kept(msgspec.Struct):
    """The JSON object, whose fields and their types are checked as it is read."""

    user: _Needed
    name: _Needed
    created: _Time
    expires: _Time
    email: str = ""
    display: str = ""
    ip: str = ""
    agent: str = ""
    groups: str = ""
    idle: int = 0
    site: int = 0
    wiki: int | None = None


_decode = msgspec.json.Decoder(_Kept).decode


class _Owned(msgspec.Struct):
    """The same, of which only one field is read."""

    user: str


_decode_owned = msgspec.json.Decoder(_Owned).decode


def user_of(raw: bytes) -> str | None:
    """Return whose a record is, without looking at the rest of it; None where that can't be read."""
    try:
        return _decode_owned(raw).user or None
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _minutes_after(created: int, minutes: int) -> int:
    return min(created + max(0, minutes) * 60_000, MAX_MS)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _clean(text: str) -> str:
    """Drop what UTF-8 can't carry: lone surrogates, as a header's odd bytes decode to."""
    return text.encode("utf-8", "ignore").decode("utf-8")
