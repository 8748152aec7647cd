"""Checks of the middleware: it must be there, once, and behind what it asks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from ..conf import MIDDLEWARE, WHOS_ONLINE, serves_wiki

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CACHE = "django.middleware.cache.FetchFromCacheMiddleware"


@register
def check_middleware(**_: Any) -> list[CheckMessage]:
    """E002: the middleware is missing."""
    # Who is online can be had without a wiki.
    if serves_wiki() or WHOS_ONLINE in settings.MIDDLEWARE:
        return []
    hint = f"Add {MIDDLEWARE!r} to MIDDLEWARE, after {AUTHENTICATION!r}; without it nobody is logged in to the wiki."
    return [Error("The wiki's middleware is not installed.", hint=hint, id="django_hooks.E002")]


@register
def check_authentication(**_: Any) -> list[CheckMessage]:
    """E003: the middleware stands before the one that says who is logged in."""
    if not serves_wiki() or AUTHENTICATION in _before_ours():
        return []
    hint = f"Move {MIDDLEWARE!r} behind {AUTHENTICATION!r}."
    return [Error("The wiki's middleware doesn't know who is logged in.", hint=hint, id="django_hooks.E003")]


@register
def check_sessions(**_: Any) -> list[CheckMessage]:
    """E005: the middleware stands before the one that reads and writes sessions: what it notes there would be lost."""
    if not serves_wiki() or SESSIONS in _before_ours() or AUTHENTICATION not in _before_ours():
        return []
    hint = f"Move {MIDDLEWARE!r} behind {SESSIONS!r}."
    return [Error("The wiki's middleware has no session to note anything in.", hint=hint, id="django_hooks.E005")]


@register
def check_once(**_: Any) -> list[CheckMessage]:
    """E006: the middleware is there twice."""
    if list(settings.MIDDLEWARE).count(MIDDLEWARE) < 2:
        return []
    hint = f"Remove one {MIDDLEWARE!r} from MIDDLEWARE."
    return [Error("The wiki's middleware is installed twice.", hint=hint, id="django_hooks.E006")]


@register
def check_cache(**_: Any) -> list[CheckMessage]:
    """W002: a page that comes from the cache never reaches the middleware."""
    if not serves_wiki() or CACHE not in _before_ours():
        return []
    hint = f"Move {MIDDLEWARE!r} before {CACHE!r}."
    message = "A page from the cache neither notices an ended session nor renews one."
    return [Warning(message, hint=hint, id="django_hooks.W002")]


def _before_ours() -> list[str]:
    middleware = list(settings.MIDDLEWARE)
    return middleware[: middleware.index(MIDDLEWARE)]
