"""Checks of Django's own sessions, which the wiki's follow."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name

from ..conf import conf, serves_wiki
from .basics import usable

CACHE_ENGINE = "django.contrib.sessions.backends.cache"

#: Caches that each process has for itself, or that keep nothing.
FORGETFUL = {
    "django.core.cache.backends.locmem.LocMemCache": "each process has sessions of its own",
    "django.core.cache.backends.dummy.DummyCache": "no session is kept",
}


@register
def check_session_cache(**_: Any) -> list[CheckMessage]:
    """W005: Django's sessions are kept where they get lost, and with them people are logged out of both."""
    backend = _session_cache().get("BACKEND")
    if not serves_wiki() or backend not in FORGETFUL:
        return []
    hint = "Choose another SESSION_ENGINE, such as django.contrib.sessions.backends.cached_db."
    message = f"Sessions are kept in {backend}: {FORGETFUL[backend]}."
    return [Warning(message, hint=hint, id="django_hooks.W005")]


@register
def check_shared_redis(**_: Any) -> list[CheckMessage]:
    """W006: a cache is there to forget; the wiki's sessions are not."""
    if not serves_wiki() or not usable(attrgetter("store")):
        return []
    shared = sorted(alias for alias, cache in settings.CACHES.items() if _server() in _servers(cache))
    if not shared:
        return []
    hint = "Give the cache a Redis of its own, or see to it that this one evicts nothing (maxmemory-policy noeviction)."
    message = f"The cache {shared[0]!r} is on the same Redis as the wiki's sessions; where it evicts, sessions go too."
    return [Warning(message, hint=hint, id="django_hooks.W006")]


@register
def check_age(**_: Any) -> list[CheckMessage]:
    """W007: the wiki's sessions outlive Django's."""
    if not serves_wiki() or not usable(attrgetter("age")) or conf.age is None:
        return []
    if conf.age <= settings.SESSION_COOKIE_AGE * 1000:
        return []
    hint = "Lower WIKI_COOKIE_AGE, or remove it: then the wiki's sessions live as long as the site's."
    message = "WIKI_COOKIE_AGE is longer than SESSION_COOKIE_AGE: people stay in the wiki when the site forgets them."
    return [Warning(message, hint=hint, id="django_hooks.W007")]


def _session_cache() -> dict[str, Any]:
    if settings.SESSION_ENGINE != CACHE_ENGINE:
        return {}
    return dict(settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}))


def _server() -> str:
    return conf.store.address.name


def _servers(cache: dict[str, Any]) -> list[str]:
    """Return the servers of a cache in Redis, as `_server` spells them; the databases of one evict together."""
    if "redis" not in str(cache.get("BACKEND", "")).lower():
        return []
    location = cache.get("LOCATION") or []
    names = []
    for url in [location] if isinstance(location, str) else location:
        for each in str(url).split(","):
            parts = urlsplit(each.strip())
            names.append(f"{parts.hostname or 'localhost'}:{_port(each)}" if parts.scheme != "unix" else parts.path)
    return names


def _port(url: str) -> int:
    try:
        return urlsplit(url.strip()).port or 6379
    except ValueError:
        return 6379
