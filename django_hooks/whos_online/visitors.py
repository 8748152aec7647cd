"""Whose request it is, and whether anybody need ask."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

from session_store.scripts import Call
from session_store.throttle import Throttle

from ..addresses import client_address
from .memory import asked
from .options import options
from .reports import asks_who_hides, guest_calls, member_calls

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)

#: Where a request notes that somebody has logged in while it was answered.
ARRIVED = "_whos_online_arrived"


def is_due(request: HttpRequest) -> bool:
    """Whether something may have to be written for a request: whose it is must then be known.

    Where the user is known anyway, that decides. Else a browser with a session is asked about once in a while only, as
    the answer may cost a look into the database.
    """
    if not options().enabled:
        return False
    if known_user(request) is not None or getattr(request, ARRIVED, False):
        return True
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return not cookie or asked().claim(hash(cookie))


def is_known_later(request: HttpRequest) -> bool:
    """Whether the view is to find out whose request it is, as an API does from what is sent along."""
    return "HTTP_AUTHORIZATION" in request.META


def known_user(request: HttpRequest) -> Any | None:
    """Return the request's user, if somebody has asked for it; else None."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject) and user._wrapped is empty:
        return request.__dict__.get("_acached_user")
    return user


def user_of(request: HttpRequest) -> Any | None:
    """Return the request's user, asking for it where the browser has a session; None where that is nobody, or fails."""
    known = known_user(request)
    if known is not None or not has_session(request) or not hasattr(request, "user"):
        return known
    try:
        with _untouched_session(request):
            return request.user if request.user.is_authenticated else None
    except Exception:  # noqa: BLE001 - a page needs no more of the database because its visitors are counted
        _note_failure()
        return None


async def auser_of(request: HttpRequest) -> Any | None:
    """Return the same as `user_of`, in an event loop."""
    known = known_user(request)
    if known is not None or not has_session(request) or not hasattr(request, "auser"):
        return known
    try:
        with _untouched_session(request):
            return await request.auser()
    except Exception:  # noqa: BLE001 - a page needs no more of the database because its visitors are counted
        _note_failure()
        return None


def has_session(request: HttpRequest) -> bool:
    """Whether the browser has a session; if not, asking whose it is would only make the page depend on cookies."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def calls_for(request: HttpRequest, user: Any | None) -> list[Call[Any]]:
    """Return what is to be written for a request.

    Args:
        request: the request.
        user: whose it is, where somebody is logged in.
    """
    if user is not None and user.is_authenticated:
        arrived = getattr(request, ARRIVED, False)
        return member_calls(user, arrived_from=client_address(request) if arrived else None)
    return guest_calls(client_address(request), request.META.get("HTTP_USER_AGENT") or "")


async def acalls_for(request: HttpRequest, user: Any | None) -> list[Call[Any]]:
    """Return the same as `calls_for`, in an event loop: whether a member hides may be a question to the database."""
    if user is not None and user.is_authenticated and asks_who_hides(user):
        return await sync_to_async(calls_for)(request, user)
    return calls_for(request, user)


@contextmanager
def _untouched_session(request: HttpRequest) -> Iterator[None]:
    """Leave it to the view whether the page depends on the session: else caches would not keep it."""
    session = getattr(request, "session", None)
    accessed = getattr(session, "accessed", None)
    try:
        yield
    finally:
        if accessed is not None:
            request.session.accessed = accessed


def _note_failure() -> None:
    if _throttle.allows("user"):
        _log.exception("whose request it was could not be found out; it counts as a guest's")
