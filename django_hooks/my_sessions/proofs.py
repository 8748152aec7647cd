"""Whether who asks has shown lately that it is them: by a log-in, or by giving the password again."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from ..conf import conf

#: The note's key in the Django session: when it was shown, seconds since the epoch.
NAME = "_wiki_proved"


@receiver(user_logged_in, dispatch_uid="django_hooks.note_proof")
def note_login(request: HttpRequest | None, **_: Any) -> None:
    """Remember when somebody has logged in, where that is ever asked for."""
    if request is not None and hasattr(request, "session") and conf.enabled and conf.sessions_password_age:
        _note(request)


def is_recent(request: HttpRequest) -> bool:
    """Whether it was shown lately; always, where ``WIKI_SESSIONS_PASSWORD_AGE`` asks for nothing."""
    age = conf.sessions_password_age
    if age is None:
        return True
    shown = request.session.get(NAME)
    return isinstance(shown, int) and 0 <= (time.time() - shown) * 1000 < age


def prove(request: HttpRequest, password: str) -> bool:
    """Check a password, with whatever the site checks passwords by, and remember that it was right."""
    if not password:
        return False  # a form that was only sent too early is no failed log-in
    user: Any = request.user
    found = authenticate(request, username=user.get_username(), password=password)
    if found is None or found.pk != user.pk:
        return False
    _note(request)
    return True


def _note(request: HttpRequest) -> None:
    request.session[NAME] = int(time.time())
