"""What a journey asks for beside deciding, each thing for code with and without an event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from asgiref.sync import sync_to_async
from django.contrib.auth import aget_user, alogout, get_user, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from session_store import Person, StoreUnavailable
from session_store.steps import Steps

from .budget import Budget
from .conf import conf
from .entry import doubt, find_user, is_let_in
from .models import PendingEnd
from .notes import NAME
from .people import groups_of, in_groups, profile
from .retrying import keep_ends, retry_a_few
from .stores import get_store
from .whos_online import apresence_calls, presence_calls
from .whose import is_djangos, known_user

T = TypeVar("T")


class Deed(NamedTuple):
    """Something that takes input or output.

    Attributes:
        do: does it.
        ado: does it in an event loop.
    """

    do: Callable[[], Any]
    ado: Callable[[], Awaitable[Any]]


class Ask(msgspec.Struct):
    """Ask Redis, and bring the answer; raises StoreUnavailable."""

    budget: Budget
    steps: Steps[Any]

    def do(self) -> Any:
        """Do it."""
        return self.budget.spend(self.steps)

    async def ado(self) -> Any:
        """Do it in an event loop."""
        return await self.budget.aspend(self.steps)


def load_session(request: HttpRequest) -> Deed:
    """Have the Django session loaded, after which reading it costs nothing and blocks no event loop."""
    return Deed(partial(request.session.get, NAME), partial(request.session.aget, NAME))


def is_loaded(session: SessionBase) -> bool:
    """Whether reading a Django session costs nothing any more, as far as can be told."""
    return hasattr(session, "_session_cache")


def note_presence(request: HttpRequest) -> Deed:
    """Bring the requests that tell who's online that a visitor was here."""
    return Deed(partial(presence_calls, request), partial(apresence_calls, request))


def ask_user(request: HttpRequest) -> Deed:
    """Bring the user whom the session names by now, from the database where nobody has asked for it."""
    if not is_djangos(request.user):
        return _in_thread(_evaluated, request)
    if known_user(request) is None:
        return Deed(partial(_evaluated, request), request.auser)
    # The one that is known is from before the session changed hands.
    return Deed(partial(get_user, request), partial(aget_user, request))


def log_out(request: HttpRequest) -> Deed:
    """Log the browser out of Django, before the view."""
    return Deed(partial(_log_out, request), partial(_log_out_soon, request))


def is_admitted(user: Any) -> Deed:
    """Bring whether a user may enter the wiki; the site's own test may block an event loop, Django's flag does not."""
    if conf.user_test is None:
        return Deed(partial(is_let_in, user), partial(_soon, is_let_in, user))
    return _in_thread(is_let_in, user)


def confirm(request: HttpRequest, whose: str) -> Deed:
    """Bring the reason why a session that was opened just now must end again, empty where there is none.

    The user may have been disabled, or got another password, after the request was begun, and before the session was
    there to be ended for it.
    """
    return _in_thread(doubt, request, whose)


def find_groups(user: Any) -> Deed:
    """Bring the names of a user's groups that the wiki is told of."""
    return _in_thread(groups_of, user)


def follow_groups(person: Person) -> Deed:
    """Tell Redis if a user's groups have changed while his session was being opened."""
    return _in_thread(_follow_groups, person)


def keep_for_later(error: StoreUnavailable, rows: Sequence[PendingEnd]) -> Deed:
    """Keep ends that Redis could not be told of."""
    return _in_thread(keep_ends, error, rows)


def catch_up(seconds: float) -> Deed:
    """Tell Redis of a few changes that it has not heard of."""
    return _in_thread(retry_a_few, seconds)


def _log_out(request: HttpRequest) -> None:
    logout(request)
    _forget_user(request)


async def _log_out_soon(request: HttpRequest) -> None:
    await alogout(request)
    _forget_user(request)


def _forget_user(request: HttpRequest) -> None:
    """Forget whom Django has looked up for the request: ``auser()`` would give the view who it was before."""
    vars(request).pop("_cached_user", None)
    vars(request).pop("_acached_user", None)


def _follow_groups(person: Person) -> None:
    user = find_user(person.user_id)
    groups = groups_of(user) if user is not None else ()
    if user is not None and groups != person.groups:
        get_store().update_user(in_groups(profile(user), groups))


def _in_thread(function: Callable[..., Any], *words: Any) -> Deed:
    """Django's database layer needs a thread in an event loop."""
    return Deed(partial(function, *words), partial(sync_to_async(function), *words))


async def _soon(function: Callable[..., T], *words: Any) -> T:
    return function(*words)


def _evaluated(request: HttpRequest) -> Any:
    user = request.user
    _ = user.is_authenticated  # whoever put a lazy one there has it looked up now, where that may block
    return user
