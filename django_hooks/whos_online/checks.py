"""System checks: what is wrong with who is online is said before anybody comes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from ..conf import MIDDLEWARE, WHOS_ONLINE
from .options import interval, max_age, problems

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"

#: How often a visitor who stays must be reported within the window: with less, people flicker.
TIMES = 3


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    """E020: a setting that can't be used."""
    hint = "See the table of settings in docs/whos-online.md."
    return [Error(problem, hint=hint, id="django_hooks.E020") for problem in problems()]


@register
def check_middleware(**_: Any) -> list[CheckMessage]:
    """E021: the middleware stands before the one that says who is logged in."""
    middleware = list(settings.MIDDLEWARE)
    if WHOS_ONLINE not in middleware or AUTHENTICATION not in middleware[middleware.index(WHOS_ONLINE) :]:
        return []
    hint = f"Move {WHOS_ONLINE!r} behind {AUTHENTICATION!r}."
    return [Error("Who is online doesn't know who is logged in.", hint=hint, id="django_hooks.E021")]


@register
def check_order(**_: Any) -> list[CheckMessage]:
    """W020: who is online is noted apart from the look at the wiki's session, where both could be one round trip."""
    middleware = list(settings.MIDDLEWARE)
    if WHOS_ONLINE not in middleware or MIDDLEWARE not in middleware[middleware.index(WHOS_ONLINE) :]:
        return []
    hint = f"Move {WHOS_ONLINE!r} behind {MIDDLEWARE!r}."
    return [Warning("Who is online costs a round trip to Redis of its own.", hint=hint, id="django_hooks.W020")]


@register
def check_interval(**_: Any) -> list[CheckMessage]:
    """E022: people would flicker: they are reported too rarely to stay on the list."""
    if problems() or interval() * 1000 * TIMES <= max_age():
        return []
    hint = f"Set WHOS_ONLINE_INTERVAL to a {TIMES}rd of WHOS_ONLINE_MAX_AGE, {max_age() / 1000 / TIMES:g}, or less."
    message = "WHOS_ONLINE_INTERVAL is not well below WHOS_ONLINE_MAX_AGE: people would flicker."
    return [Error(message, hint=hint, id="django_hooks.E022")]
