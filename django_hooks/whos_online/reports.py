"""What is to be written for a visitor, if anything is due: decisions, without any input or output."""

from __future__ import annotations

import logging
from typing import Any

from session_store import presence
from session_store.keys import OnlineKeys
from session_store.scripts import Call
from session_store.throttle import Throttle

from ..people import user_id
from ..stores import get_store
from .bots import is_bot
from .guests import ids_of, place_of, word_of
from .memory import reported, tidying_is_due
from .options import options

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def keys() -> OnlineKeys:
    """Return where in Redis all of it is."""
    return get_store().keys.online


def member_calls(user: Any, *, arrived_from: str | None = None) -> list[Call[Any]]:
    """Return what notes that a member was seen.

    Args:
        user: who.
        arrived_from: the address from which the member has just logged in; None: they were logged in before.
    """
    if user.pk is None or not options().enabled:
        return []
    thing = _thing(user)
    was: list[str] = []
    if arrived_from is not None:
        reported().note(thing)
        place = place_of(arrived_from)
        was = list(ids_of(place).values())
        reported().forget(f"g{place}")  # others may be there too
    elif not reported().claim(thing):
        return []
    call = presence.report_member(
        keys(),
        user_id(user),
        user.get_username(),
        window=options().window,
        hides=_hides(user),
        arrives=arrived_from is not None,
        was=was,
    )
    return [call, *_tidying()]


def asks_who_hides(user: Any) -> bool:
    """Whether a report of a member is due that asks the site's own code whether they hide."""
    return options().hides is not None and not reported().holds(_thing(user))


def guest_calls(address: str, user_agent: str = "") -> list[Call[Any]]:
    """Return what notes that a guest, or a bot, was seen."""
    if not options().enabled:
        return []
    place, bot = place_of(address), is_bot(user_agent)
    if not reported().claim(f"{'b' if bot else 'g'}{place}"):
        return []
    crowd = keys().bots if bot else keys().guests
    call = presence.report_visitor(keys(), crowd, word_of(place), ids_of(place), window=options().window)
    return [call, *_tidying()]


def _thing(user: Any) -> str:
    return f"m{user.pk}"


def _tidying() -> list[Call[Any]]:
    return [presence.tidy_online(keys(), window=options().window)] if tidying_is_due() else []


def _hides(user: Any) -> bool | None:
    says = options().hides
    if says is None:
        return None
    try:
        return bool(says(user))
    except Exception:  # noqa: BLE001 - the site's own code; whoever may want to hide is hidden
        if _throttle.allows("hidden"):
            _log.exception("WHOS_ONLINE_HIDDEN failed; the member is hidden")
        return True
