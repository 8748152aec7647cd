"""What an entry of the stream says: one start or end, or several ends, which cost Redis less together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate, pairwise

from .errors import BadRecord
from .events import Event
from .records import MAX_MS, Record, parse_record

SID = re.compile(rb"[A-Za-z0-9_-]{22}")
REASON = re.compile(rb"[a-z_]{1,40}")
TIME = re.compile(rb"[0-9]{1,15}")
LENGTH = re.compile(rb"[0-9]{1,9}")

Fields = Mapping[bytes, bytes]


def events_of(position: bytes, fields: Fields | None, where: str) -> list[Event]:
    """Return what an entry says began or ended, in order.

    Args:
        position: the entry's id.
        fields: what it holds; None where it was deleted.
        where: the stream, for what is said of a broken entry.

    Raises:
        BadRecord: it is nothing that the store's scripts write.
    """
    name, fields = position.decode(), fields or {}
    try:
        if fields.get(b"action") == b"ends":
            return _ends(name, fields)
        return [_one(name, fields)]
    except ValueError as error:
        raise BadRecord(f"{where} {name}", str(error)) from None


def sids_of(fields: Fields) -> list[str]:
    """Return whose starts and ends an entry tells, whatever else it says."""
    sids = (fields.get(b"sids") or fields.get(b"sid", b"")).split(b" ")
    return [sid.decode("utf-8", "replace") for sid in sids]


def _one(position: str, fields: Fields) -> Event:
    found = fields.get
    action, sid, at = found(b"action", b""), found(b"sid", b""), found(b"at", b"")
    if action not in {b"start", b"end"}:
        raise ValueError("the entry is neither a start nor an end")
    reason = found(b"reason", b"") if action == b"end" else None
    return _event(position, action.decode(), sid, at, reason, actor=_actor(fields), record=found(b"record", b""))


def _ends(position: str, fields: Fields) -> list[Event]:
    """Read an entry with several ends: a list of each field's values, and their records one behind the other."""
    sids, reasons, ats, lengths = (
        fields.get(name, b"").split(b" ") for name in (b"sids", b"reasons", b"ats", b"lengths")
    )
    if not all(map(LENGTH.fullmatch, lengths)):
        raise ValueError("the entry's lengths are no numbers")
    records, bounds = fields.get(b"records", b""), [0, *accumulate(map(int, lengths))]
    if not len(sids) == len(reasons) == len(ats) == len(lengths) or bounds[-1] != len(records):
        raise ValueError("the entry's lists don't belong together")
    actor = _actor(fields)
    return [
        _event(position, "end", sid, at, reason, actor=actor, record=records[first:last])
        for sid, at, reason, (first, last) in zip(sids, ats, reasons, pairwise(bounds), strict=True)
    ]


def _event(
    position: str, action: str, sid: bytes, at: bytes, reason: bytes | None, *, actor: str, record: bytes
) -> Event:
    if not SID.fullmatch(sid) or not TIME.fullmatch(at) or int(at) > MAX_MS:
        raise ValueError("the entry is neither a start nor an end")
    # A newer site may have reasons that are not known here; its ends are ends all the same.
    if reason is not None and not REASON.fullmatch(reason):
        raise ValueError(f"the entry's reason is none: {reason[:40]!a}")
    return Event(
        position, action, sid.decode(), int(at), reason.decode() if reason else None, actor, _record_or_none(record)
    )


def _actor(fields: Fields) -> str:
    return fields.get(b"actor", b"").decode("utf-8", "replace")


def _record_or_none(raw: bytes) -> Record | None:
    try:
        return parse_record(raw) if raw else None
    except BadRecord:
        return None  # the end itself counts; that the record is broken was said where it was read
