"""What a site may call: plain functions. None raises because of Redis, and none waits longer than its timeout."""

from __future__ import annotations

import warnings
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from session_store import presence
from session_store.presence import Online
from session_store.scripts import Call

from ..people import user_id
from ..proxies import read_address
from .memory import reported
from .options import is_installed, options
from .reports import guest_calls, keys, member_calls
from .sending import ask, send
from .visitors import acalls_for, auser_of, calls_for, has_session, is_due, user_of

#: Names that are asked for where nobody says how many.
MANY = 1000


def report_user(user: Any) -> None:
    """Note that a member was seen; at most once in ``WHOS_ONLINE_INTERVAL`` anything is written.

    Args:
        user: a user, or a user's name, for which the database is then asked; a name that nobody has is nobody.
    """
    if isinstance(user, str) and not reported().claim(f"n{user}"):
        return
    user = _find(user)
    if user is not None:
        send(member_calls(user))


def report_guest(ip: str, user_agent: str = "") -> None:
    """Note that a guest was seen, or a bot, if the user agent is one's. What is no address counts as an unknown one."""
    send(guest_calls(read_address(ip), user_agent))


def forget_user(user: Any) -> None:
    """Take a member off the list at once; only a new log-in, or half a minute, brings them back."""
    user = _find(user)
    if user is not None:
        forget_id(user_id(user))


def forget_id(user_id: str) -> None:
    """Take the member of an id off the list at once."""
    if options().enabled:
        reported().forget(f"m{user_id}")
        send([presence.forget_member(keys(), user_id)])


def hide_user(user: Any) -> None:
    """Hide a member from others, at once and from now on; but ``WHOS_ONLINE_HIDDEN`` has the last word."""
    _hide(user, hides=True)


def show_user(user: Any) -> None:
    """Take `hide_user` back."""
    _hide(user, hides=False)


def get_online(limit: int = 25) -> Online | None:
    """Return who is online, the members seen last with their names; None where Redis is away. Nothing is cached."""
    return ask(presence.list_online(keys(), window=options().window, limit=limit)) if options().enabled else None


def get_users_online(limit: int = MANY) -> list[str]:
    """Return the names of the members who are online and don't hide, the last seen first, at most so many."""
    online = get_online(limit)
    return [member.name for member in online.seen] if online else []


def get_guests_online() -> int:
    """Return how many guests are online, members who hide included."""
    online = get_online(0)
    return online.guests + online.hidden if online else 0


def presence_calls(request: HttpRequest) -> list[Call[Any]]:
    """Return what notes that a request came, for a round trip to Redis that is made anyway before the view.

    Most of the time that is nothing. What is returned counts as written: `WhosOnlineMiddleware` then writes nothing for
    the same visitor. The answers need not be looked at. Where something may be due, this asks for ``request.user``,
    once in ``WHOS_ONLINE_INTERVAL`` a browser. Without `WhosOnlineMiddleware` among the site's, it is always nothing.
    """
    if not is_installed() or not has_session(request) or not is_due(request):
        return []
    return calls_for(request, user_of(request))


async def apresence_calls(request: HttpRequest) -> list[Call[Any]]:
    """Return the same as `presence_calls`, in an event loop."""
    if not is_installed() or not has_session(request) or not is_due(request):
        return []
    return await acalls_for(request, await auser_of(request))


def tick() -> None:
    """Do nothing: who is gone is forgotten by itself.

    .. deprecated:: 0.1.0
    """
    warnings.warn("tick() is not needed any more and will go: remove the call", DeprecationWarning, stacklevel=2)


def _hide(user: Any, *, hides: bool) -> None:
    user = _find(user)
    if user is not None:
        send([presence.hide_member(keys(), user_id(user), hides=hides)])


def _find(user: Any) -> Any | None:
    """Return the user of a name, or the user that was given; None where that is nobody, or nobody is counted."""
    if not options().enabled:
        return None
    if not isinstance(user, str):
        return user if user.pk is not None else None
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(user)
    except model.DoesNotExist:
        return None
