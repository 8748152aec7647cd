"""System checks: what is wrong with the settings is said before anybody logs in."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from session_store import ConfigurationError

from .conf import MIDDLEWARE, WHOS_ONLINE, Settings, conf, problems, serves_wiki

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: a setting that can't be used."""
    hint = "See the table of settings in the README."
    return [Error(problem, hint=hint, id="django_hooks.E001") for problem in problems()]


@register
def check_middleware(**_: Any) -> list[CheckMessage]:
    """E002: the middleware is missing. E003: it stands before the one that says who is logged in."""
    middleware = list(settings.MIDDLEWARE)
    if not serves_wiki():
        # Who is online can be had without a wiki.
        if WHOS_ONLINE in middleware:
            return []
        hint = (
            f"Add {MIDDLEWARE!r} to MIDDLEWARE, after {AUTHENTICATION!r}; without it nobody is logged in to the wiki."
        )
        return [Error("The wiki's middleware is not installed.", hint=hint, id="django_hooks.E002")]
    if AUTHENTICATION not in middleware[: middleware.index(MIDDLEWARE)]:
        hint = f"Move {MIDDLEWARE!r} behind {AUTHENTICATION!r}."
        return [Error("The wiki's middleware doesn't know who is logged in.", hint=hint, id="django_hooks.E003")]
    return []


@register
def check_cookie_prefix(**_: Any) -> list[CheckMessage]:
    """E004: browsers refuse a cookie whose name promises what its attributes don't keep."""
    if _problem(attrgetter("cookie_name", "cookie_domain", "cookie_secure")):
        return []
    name = conf.cookie_name.lower()
    if name.startswith(("__secure-", "__host-")) and not conf.cookie_secure:
        hint = "Set WIKI_COOKIE_SECURE = True (and serve site and wiki over HTTPS), or choose another WIKI_COOKIE_NAME."
        return [Error("WIKI_COOKIE_NAME promises a secure cookie, which it is not.", hint=hint, id="django_hooks.E004")]
    if name.startswith("__host-") and conf.cookie_domain:
        hint = "Remove WIKI_COOKIE_DOMAIN, or begin WIKI_COOKIE_NAME with __Secure- instead."
        return [Error("WIKI_COOKIE_NAME promises a cookie without a domain.", hint=hint, id="django_hooks.E004")]
    return []


@register
def check_cookie_secure(**_: Any) -> list[CheckMessage]:
    """W001: the wiki's cookie would travel in the clear where Django's does not."""
    if _problem(attrgetter("cookie_secure")) or conf.cookie_secure or not settings.SESSION_COOKIE_SECURE:
        return []
    hint = "Remove WIKI_COOKIE_SECURE: it follows SESSION_COOKIE_SECURE."
    return [Warning("The wiki's cookie is sent over HTTP too.", hint=hint, id="django_hooks.W001")]


@register
def check_transport(**_: Any) -> list[CheckMessage]:
    """W030: what travels between site and Redis can be read, or answered, by others."""
    if _problem(attrgetter("store")):
        return []
    address = conf.store.address
    if address.encrypted and not address.checked:
        hint = "Remove ssl_cert_reqs and ssl_check_hostname from WIKI_REDIS_URL, and give ssl_ca_certs where needed."
        return [Warning("Any server is taken for the right Redis.", hint=hint, id="django_hooks.W030")]
    if not address.encrypted and not address.local:
        hint = "Use TLS: a WIKI_REDIS_URL that begins with rediss://."
        return [Warning("Names and addresses travel to Redis in the clear.", hint=hint, id="django_hooks.W030")]
    return []


def _problem(read: Callable[[Settings], Any]) -> str | None:
    try:
        read(conf)
    except ConfigurationError as error:
        return str(error)
    return None
