"""Who may enter the wiki."""

from __future__ import annotations

import logging
from inspect import isawaitable
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db import router
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from session_store.throttle import Throttle

from .conf import conf

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def may_enter(user: Any) -> bool:
    """Whether a user may enter the wiki: what ``WIKI_USER_TEST`` says; without it, whether the user is active.

    It is the site's own code, which may ask the database, and may fail.
    """
    test = conf.user_test
    if test is None:
        return bool(getattr(user, "is_active", True))
    answer = test(user)
    if isawaitable(answer):
        raise TypeError("WIKI_USER_TEST must not be async: what it returns would be true whatever it says")
    return bool(answer)


def is_let_in(user: Any) -> bool:
    """The same for somebody who comes in: where it can't be told, nobody is."""
    try:
        return may_enter(user)
    except Exception:  # noqa: BLE001 - the site's own code; the site's page goes on
        if _throttle.allows("test"):
            _log.exception("WIKI_USER_TEST failed; the user is not let into the wiki")
        return False


def find_user(user_id: str, *, using: str | None = None) -> Any:
    """Return the user of an id as the database has it now, and as a log-in would find it; None: there is none."""
    model = get_user_model()
    try:
        key = model._meta.pk.to_python(user_id)
    except Exception:  # noqa: BLE001 - a key's own check, of whatever kind it is
        return None
    users = model._default_manager.using(using or router.db_for_write(model))
    return users.filter(pk=key).first()


def doubt(request: HttpRequest, user_id: str) -> str:
    """Return why a session of a request's user must not be, by what the database says now; empty: nothing is wrong.

    The session must have been loaded.
    """
    user = find_user(user_id)
    if user is None or not is_let_in(user):
        return "account_disabled"
    kept = request.session.get(HASH_SESSION_KEY)
    is_sessions = request.session.get(SESSION_KEY) == user._meta.pk.value_to_string(user)
    return "password_change" if is_sessions and kept and not _is_password_of(user, kept) else ""


def _is_password_of(user: Any, kept: str) -> bool:
    hashes = [user.get_session_auth_hash()] if hasattr(user, "get_session_auth_hash") else [kept]
    if hasattr(user, "get_session_auth_fallback_hash"):
        hashes += user.get_session_auth_fallback_hash()
    return any(constant_time_compare(kept, each) for each in hashes)
