"""Who is online: the verbs, as in `verbs`, and what they give back. Times are ms; points in time are Redis' own."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .keys import CrowdKeys, OnlineKeys
from .scripts import Call, load
from .throttle import Throttle

#: Visitors of a crowd who are known one by one, about 10 MB; what comes beyond them is counted by sketches.
KNOWN = 100_000

#: Names that one call may ask for: a bound for the time that Redis and a page spend on it.
MOST_NAMES = 5000

#: Characters of a name that are kept: as many as Django's own user names may have.
LONGEST_NAME = 150

#: Milliseconds for which a log-out outweighs requests that were under way: longer than web servers let them run.
LEFT = 30_000

#: Milliseconds of a step of the history, and steps of a day.
STEP = 600_000
STEPS = 144

#: Milliseconds for which another's tidying is fresh, and how many of a kind are forgotten in one go.
FRESH = 5_000
BATCH = 500

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)

_PEAK = re.compile(rb"(\d{1,15}) (\d{1,15})")
_MOMENT = re.compile(rb"(\d{1,15}) (\d{1,15}) (\d{1,15})")


@dataclass(frozen=True, slots=True)
class Member:
    """A member who is online.

    Attributes:
        seen: when last seen, ms since the epoch.
        hides: hidden from others.
    """

    user_id: str
    name: str
    seen: int
    hides: bool = False


@dataclass(frozen=True, slots=True)
class Peak:
    """Most visitors at once; `at` in ms since the epoch."""

    total: int
    at: int


@dataclass(frozen=True, slots=True)
class Online:
    """Who is online.

    Attributes:
        now: Redis' clock, ms since the epoch.
        members: how many members are shown to everybody.
        hidden: how many members hide.
        guests: how many visitors are nobody in particular; hidden members are not among them.
        bots: how many search engines and the like.
        peak: most visitors at once, this moment included; None: there has been none.
        seen: the members seen last, the latest first; at most as many as were asked for.
        seen_hidden: the same of those who hide.
    """

    now: int
    members: int
    hidden: int
    guests: int
    bots: int
    peak: Peak | None
    seen: tuple[Member, ...]
    seen_hidden: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """How many were online in a step of the history, at most; `at` is its beginning, ms since the epoch."""

    at: int
    members: int
    guests: int


def report_member(
    keys: OnlineKeys,
    user_id: str,
    name: str,
    *,
    window: int | None,
    hides: bool | None = None,
    arrives: bool = False,
    was: Sequence[str] = (),
) -> Call[bool]:
    """Note that a member was seen; the answer is False where the member has just left, or nobody counts members.

    Args:
        keys: where.
        user_id: whose.
        name: what to show.
        window: ms for which a visitor counts after being seen; None: what the site has said last.
        hides: whether the member is hidden from others; None: as before.
        arrives: the member has just logged in: a log-out a moment ago doesn't count.
        was: the ids by which the same visitor may have been seen as a guest; those are forgotten.
    """
    return Call(
        load("report_member"),
        [keys.members, keys.hidden, keys.hiding, keys.names, keys.left, keys.state, keys.guests.seen],
        [user_id, name[:LONGEST_NAME], _optional(window), _flag(hides), _flag(arrives), *was],
        _noted,
        optional=True,
    )


def report_visitor(
    keys: OnlineKeys, crowd: CrowdKeys, word: str, ids: Mapping[int, str], *, window: int, known: int = KNOWN
) -> Call[bool]:
    """Note that a guest, or a bot, was seen.

    Args:
        keys: where.
        crowd: ``keys.guests`` or ``keys.bots``.
        word: what the sketches are given; it does not change from day to day, and can't be read back from them.
        ids: the visitor's id on each day that it may be by Redis' clock, by the day's number since the epoch, in order;
            the middle one is today by the caller's.
        window: ms for which a visitor counts after being seen.
        known: how many of a crowd are known one by one.
    """
    days: list[str | int] = [part for pair in ids.items() for part in pair]
    return Call(
        load("report_guest"),
        [keys.state, crowd.seen, crowd.full, *crowd.ring_of(word)],
        [window, known, word, *days],
        _noted,
        optional=True,
    )


def forget_member(keys: OnlineKeys, user_id: str, *, seen_by: int | None = None) -> Call[bool]:
    """Take a member off the list; the answer is False where the member was not on it.

    Args:
        keys: where.
        user_id: whose.
        seen_by: only if last seen by then, ms since the epoch. None: whenever; then, for `LEFT`, only a log-in brings
            the member back, as requests that were under way must not.
    """
    return Call(
        load("forget_member"),
        [keys.members, keys.hidden, keys.names, keys.left],
        [user_id, _optional(seen_by), LEFT],
        bool,
    )


def hide_member(keys: OnlineKeys, user_id: str, *, hides: bool) -> Call[bool]:
    """Hide a member from others, or show the member again; the answer is False where that is how it was."""
    return Call(load("hide_member"), [keys.members, keys.hidden, keys.hiding], [user_id, _flag(hides)], bool)


def list_online(keys: OnlineKeys, *, window: int, limit: int) -> Call[Online]:
    """Say who is online, with at most `limit` names."""
    return Call(
        load("list_online"),
        [keys.members, keys.hidden, keys.names, keys.state, *keys.guests.all, *keys.bots.all],
        [window, max(0, min(limit, MOST_NAMES))],
        _online,
    )


def tidy_online(keys: OnlineKeys, *, window: int | None, batch: int = BATCH, fresh: int = FRESH) -> Call[int | None]:
    """Forget who was not seen for long, at most `batch` of a kind, and note how many are online.

    The answer is how many were forgotten, 0 where somebody else has just done it; None where nobody counts.
    """
    return Call(
        load("tidy_online"),
        [keys.members, keys.hidden, keys.names, keys.state, *keys.guests.all, *keys.bots.all, keys.history],
        [_optional(window), batch, fresh, STEP, STEPS],
        lambda answer: None if answer == b"unused" else 0 if answer == b"fresh" else int(_noted(answer) and answer),
        optional=True,
    )


def online_history(keys: OnlineKeys) -> Call[tuple[int, list[Moment]]]:
    """Say how many were online over the last day; the answer is Redis' clock, and what is known, the oldest first."""

    def parse(answer: list[Any]) -> tuple[int, list[Moment]]:
        now, rows = answer
        moments = [_moment(match) for row in rows if (match := _MOMENT.fullmatch(row))]
        return now, sorted((m for m in moments if now - STEP * STEPS < m.at <= now), key=lambda m: m.at)

    return Call(load("online_history"), [keys.history], [STEPS], parse)


def _noted(answer: int | bytes) -> bool:
    """Read what a report says of itself; what it could not do is named in the log, once a minute."""
    if isinstance(answer, bytes):
        if _throttle.allows("presence"):
            _log.error("%s; remove that key: until then nobody is seen to be online", _text(answer))
        return False
    return bool(answer)


def _online(answer: list[Any]) -> Online:
    now, members, hidden, guests, bots, peak, ids, times, names, *of_hidden = answer
    current = Peak(members + hidden + guests, now)
    past = _peak(peak)
    return Online(
        now=now,
        members=members,
        hidden=hidden,
        guests=guests,
        bots=bots,
        peak=max(past, current, key=lambda p: p.total) if past else current if current.total else None,
        seen=_members(ids, times, names),
        seen_hidden=_members(*of_hidden, hides=True),
    )


def _members(
    ids: list[bytes], times: list[bytes], names: list[bytes | None], *, hides: bool = False
) -> tuple[Member, ...]:
    rows = zip(ids, times, names, strict=True)
    return tuple(Member(_text(i), _text(name), int(float(at)), hides) for i, at, name in rows if name is not None)


def _peak(raw: bytes | None) -> Peak | None:
    match = _PEAK.fullmatch(raw) if raw else None
    return Peak(int(match[1]), int(match[2])) if match else None


def _moment(match: re.Match[bytes]) -> Moment:
    return Moment(int(match[1]) * STEP, int(match[2]), int(match[3]))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _optional(number: int | None) -> int | str:
    return "" if number is None else number


def _flag(value: bool | None) -> str:
    return "" if value is None else "1" if value else "0"
