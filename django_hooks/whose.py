"""Whose request it is, without asking the database where that can be told."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils.functional import LazyObject, empty

from .people import user_id

#: Who made ``request.user``, where Django did.
_DJANGOS = "django.contrib.auth.middleware"


class Who(msgspec.Struct, frozen=True):
    """Whose a request is.

    Attributes:
        user_id: the user's id; None: nobody's. Empty: not known yet.
        user: the user, where somebody has asked for it.
        refused: the session names a user whom Django does not let in any more: disabled, or deleted.
    """

    user_id: str | None
    user: Any = None
    refused: bool = False

    @classmethod
    def of(cls, user: Any) -> Who:
        """Return whose it is, where the user is known."""
        return cls(user_id(user), user) if user is not None and user.is_authenticated else NOBODY


NOBODY = Who(None)


def at_hand(request: HttpRequest) -> Who:
    """Return whose the request is as far as that is known; its session must have been read.

    Where ``request.user`` is as Django made it, the session says whose it is, so that a session which has changed hands
    counts, and a view that needs no user costs no query. Whatever else has been put there counts as it is.
    """
    user = getattr(request, "user", None)
    if user is None:
        return NOBODY
    if not is_djangos(user):
        known = known_user(request)
        return Who("") if known is None else Who.of(known)
    signed = request.session.get(SESSION_KEY)
    if signed is None:
        return NOBODY
    known = known_user(request)
    if known is None:
        return Who(str(signed))
    if not known.is_authenticated:
        return Who(None, refused=True)
    return Who.of(known) if known._meta.pk.value_to_string(known) == signed else Who(str(signed))


def known_user(request: HttpRequest) -> Any:
    """Return the request's user, if somebody has asked for it; else None."""
    user = getattr(request, "user", None)
    if isinstance(user, LazyObject) and user._wrapped is empty:
        return request.__dict__.get("_acached_user") if is_djangos(user) else None
    return user


def is_djangos(user: Any) -> bool:
    """Whether that is what AuthenticationMiddleware has made, and not what a log-in or another middleware put there."""
    made_by = getattr(vars(user).get("_setupfunc"), "__module__", None) if isinstance(user, LazyObject) else None
    return made_by == _DJANGOS
