"""What a page shows of who is online, and to whom."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from session_store.presence import Member, Online
from session_store.throttle import Throttle

from .functions import get_online
from .options import options

#: Names read for a page, so that its tags together need one look; a tag that wants more takes a look of its own.
LEAST = 50

#: Where a request keeps what was read for it.
_ATTRIBUTE = "_whos_online"

#: What the process has read last, by how many names: when (monotonic seconds), and what.
_cache: dict[int, tuple[float, Online | None]] = {}

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


@dataclass(frozen=True)
class Entry:
    """A name on the list.

    Attributes:
        url: where it links to; empty: nowhere.
        hides: hidden from all but the staff.
    """

    user_id: str
    name: str
    url: str
    seen: datetime
    hides: bool


@dataclass(frozen=True)
class Listing:
    """Who is online, as one reader may see it.

    Attributes:
        entries: the names.
        members: how many members there are.
        more: how many of them are not among the names.
        names_shown: whether this reader may see names at all.
        guests: how many guests; who hides is one of them, but to the staff.
        bots: how many bots, which are neither.
        total: members and guests.
        most: most of them at once, ever.
        most_at: when that was.
    """

    entries: tuple[Entry, ...]
    members: int
    more: int
    names_shown: bool
    guests: int
    bots: int
    total: int
    most: int
    most_at: datetime | None


def get_whos_online(
    request: HttpRequest | None = None, *, user: Any = None, limit: int = 25, order: str = "recent"
) -> Listing | None:
    """Return who is online, as the request's user may see it; None where Redis is away. One look a page.

    Args:
        request: for which page.
        user: who reads it, where there is no request.
        limit: how many names at most.
        order: ``recent``, those seen last first, or ``name``; in both cases they are those seen last.

    Raises:
        ValueError: there is no such order.
    """
    if order not in {"recent", "name"}:
        raise ValueError(f"order must be recent or name, not {order!r}")
    online = _read(request, max(0, limit))
    if online is None:
        return None
    reader = user if request is None else getattr(request, "user", None)
    return _listing(online, reader, max(0, limit), by_name=order == "name")


def _listing(online: Online, reader: Any, limit: int, *, by_name: bool) -> Listing:
    staff = online.hidden > 0 and _is(reader, "is_staff")
    shown = not options().members_only or _is(reader, "is_authenticated")
    members = online.members + (online.hidden if staff else 0)
    everybody = [*online.seen, *(online.seen_hidden if staff else ())]
    seen = sorted(everybody, key=lambda m: -m.seen)[: limit if shown else 0]
    if by_name:
        seen.sort(key=lambda m: m.name.casefold())
    total = online.members + online.hidden + online.guests
    return Listing(
        entries=tuple(map(_entry, seen)),
        members=members,
        more=members - len(seen) if shown else 0,
        names_shown=shown,
        guests=total - members,
        bots=online.bots,
        total=total,
        most=online.peak.total if online.peak else 0,
        most_at=_moment(online.peak.at) if online.peak else None,
    )


def _read(request: HttpRequest | None, limit: int) -> Online | None:
    limit = max(limit, LEAST)
    read: dict[int, Online | None] = {} if request is None else request.__dict__.setdefault(_ATTRIBUTE, {})
    if not any(each >= limit for each in read):
        read[limit] = _read_cached(limit)
    return read[min(each for each in read if each >= limit)]


def _read_cached(limit: int) -> Online | None:
    if not options().cache:
        return get_online(limit)
    at, online = _cache.get(limit, (float("-inf"), None))
    if time.monotonic() - at >= options().cache:
        online = get_online(limit)
        if len(_cache) > 10:
            _cache.clear()
        _cache[limit] = (time.monotonic(), online)
    return online


def _is(reader: Any, what: str) -> bool:
    """Ask about a reader; in an event loop one who is not known yet is nobody."""
    try:
        return bool(getattr(reader, what, False))
    except SynchronousOnlyOperation:
        return False


def _entry(member: Member) -> Entry:
    return Entry(member.user_id, member.name, _url(member), _moment(member.seen), member.hides)


def _url(member: Member) -> str:
    wanted = options().profile_url
    if wanted is None:
        return ""
    try:
        return str(wanted(member) or "") if callable(wanted) else reverse(wanted, args=[member.name])
    except NoReverseMatch as error:
        return _no_link(str(error))
    except Exception as error:  # noqa: BLE001 - the site's own code; a name without a link is better than no page
        return _no_link(repr(error))


def _no_link(why: str) -> str:
    if _throttle.allows("url"):
        _log.error("WHOS_ONLINE_PROFILE_URL gives no link: %s", why)
    return ""


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
