"""Checks of the wiki's cookie: whether browsers take it, and send it where it is needed."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.http.request import validate_host

from ..conf import conf, serves_wiki
from .basics import usable


@register
def check_cookie_prefix(**_: Any) -> list[CheckMessage]:
    """E004: browsers refuse a cookie whose name promises what its attributes don't keep."""
    if not usable(attrgetter("cookie_name", "cookie_domain", "cookie_secure")):
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
def check_cookie_samesite(**_: Any) -> list[CheckMessage]:
    """E007: browsers refuse a cookie for every site that is not secure."""
    if not usable(attrgetter("cookie_samesite", "cookie_secure")):
        return []
    if conf.cookie_samesite != "None" or conf.cookie_secure:
        return []
    hint = "Set WIKI_COOKIE_SECURE = True, or remove WIKI_COOKIE_SAMESITE: nothing here needs None."
    message = "Browsers refuse a cookie with SameSite=None that is not secure."
    return [Error(message, hint=hint, id="django_hooks.E007")]


@register
def check_cookie_secure(**_: Any) -> list[CheckMessage]:
    """W001: the wiki's cookie would travel in the clear where Django's does not."""
    if not usable(attrgetter("cookie_secure")) or conf.cookie_secure or not settings.SESSION_COOKIE_SECURE:
        return []
    hint = "Remove WIKI_COOKIE_SECURE: it follows SESSION_COOKIE_SECURE."
    return [Warning("The wiki's cookie is sent over HTTP too.", hint=hint, id="django_hooks.W001")]


@register
def check_cookie_reaches_wiki(**_: Any) -> list[CheckMessage]:
    """W003: browsers would not send the cookie to the wiki."""
    if not serves_wiki() or not usable(attrgetter("wiki_url", "cookie_domain")):
        return []
    host = urlsplit(conf.wiki_url).hostname
    if not host or _reaches(host):
        return []
    if conf.cookie_domain:
        hint = "Set WIKI_COOKIE_DOMAIN to the domain that site and wiki share."
        message = f"WIKI_URL is on {host}, to which a cookie for {conf.cookie_domain} is not sent."
    else:
        hint = "Set WIKI_COOKIE_DOMAIN to the domain that both share: example.org for www. and wiki.example.org."
        message = f"WIKI_URL is on {host}, and the cookie is sent to the site's own host alone."
    return [Warning(message, hint=hint, id="django_hooks.W003")]


@register
def check_cookie_reaches_site(**_: Any) -> list[CheckMessage]:
    """W004: browsers would refuse the cookie: a host may not set one for another domain."""
    if not serves_wiki() or not usable(attrgetter("cookie_domain")) or not conf.cookie_domain:
        return []
    hosts = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    outside = [host for host in hosts if not within(host, conf.cookie_domain)]
    if not hosts or len(outside) < len(hosts):
        return []
    hint = "Set WIKI_COOKIE_DOMAIN to the domain that site and wiki share."
    message = f"No host of ALLOWED_HOSTS is in {conf.cookie_domain}; browsers refuse its cookie from others."
    return [Warning(message, hint=hint, id="django_hooks.W004")]


def within(host: str, domain: str) -> bool:
    """Whether a cookie of a domain is sent to a host."""
    domain = domain.lower().lstrip(".")
    return host.lower() == domain or host.lower().endswith(f".{domain}")


def _reaches(wiki: str) -> bool:
    if conf.cookie_domain:
        return within(wiki, conf.cookie_domain)
    return _is_ours(wiki, settings.ALLOWED_HOSTS or [".localhost", "127.0.0.1", "[::1]"])


def _is_ours(host: str, allowed: Iterable[str]) -> bool:
    return validate_host(f"[{host}]" if ":" in host else host, allowed)
