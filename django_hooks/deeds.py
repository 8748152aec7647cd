"""What a journey asks for beside deciding, each thing for code with and without an event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.contrib.auth import aget_user, alogout, get_user, logout
from django.http import HttpRequest

from session_store.steps import Steps

from .budget import Budget
from .notes import NAME
from .whos_online import apresence_calls, presence_calls
from .whose import is_djangos, known_user


class Deed(NamedTuple):
    """Something that takes input or output.

    Attributes:
        do: does it.
        ado: does it in an event loop.
    """

    do: Callable[[], Any]
    ado: Callable[[], Awaitable[Any]]


def ask(budget: Budget, steps: Steps[Any]) -> Deed:
    """Ask Redis, and bring the answer; raises StoreUnavailable."""
    return Deed(partial(budget.spend, steps), partial(budget.aspend, steps))


def load_session(request: HttpRequest) -> Deed:
    """Have the Django session loaded, after which reading it costs nothing and blocks no event loop."""
    return Deed(partial(request.session.get, NAME), partial(request.session.aget, NAME))


def note_presence(request: HttpRequest) -> Deed:
    """Bring the requests that tell who's online that a visitor was here."""
    return Deed(partial(presence_calls, request), partial(apresence_calls, request))


def ask_user(request: HttpRequest) -> Deed:
    """Bring the user whom the session names by now, from the database where nobody has asked for it."""
    if not is_djangos(request.user):
        return Deed(partial(_evaluated, request), partial(sync_to_async(_evaluated), request))
    if known_user(request) is None:
        return Deed(partial(_evaluated, request), request.auser)
    # The one that is known is from before the session changed hands.
    return Deed(partial(get_user, request), partial(aget_user, request))


def log_out(request: HttpRequest) -> Deed:
    """Log the browser out of Django."""
    return Deed(partial(logout, request), partial(alogout, request))


def _evaluated(request: HttpRequest) -> Any:
    user = request.user
    _ = user.is_authenticated  # whoever put a lazy one there has it looked up now, where that may block
    return user
