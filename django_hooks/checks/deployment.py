"""Checks for ``manage.py check --deploy``: what only production must get right."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's name

from ..conf import conf, serves_wiki
from .basics import usable


@register(Tags.security, deploy=True)
def check_secure(**_: Any) -> list[CheckMessage]:
    """W040: whoever hears the cookie is in the wiki."""
    if not serves_wiki() or not usable(attrgetter("cookie_secure")) or conf.cookie_secure:
        return []
    hint = "Serve site and wiki over HTTPS, and set SESSION_COOKIE_SECURE = True, which the wiki's cookie follows."
    return [Warning("The wiki's cookie travels in the clear.", hint=hint, id="django_hooks.W040")]


@register(Tags.security, deploy=True)
def check_prefix(**_: Any) -> list[CheckMessage]:
    """W041: whoever is on the way to any host of the domain may plant a cookie of the wiki's name, over plain HTTP."""
    if not serves_wiki() or not usable(attrgetter("cookie_name", "cookie_secure")) or not conf.cookie_secure:
        return []
    if conf.cookie_name.lower().startswith(("__secure-", "__host-")):
        return []
    wanted = "__Secure-wiki" if usable(attrgetter("cookie_domain")) and conf.cookie_domain else "__Host-wiki"
    hint = f"Set WIKI_COOKIE_NAME = {wanted!r} on site and wiki: browsers take such a name over HTTPS alone."
    return [Warning("The wiki's cookie can be planted over plain HTTP.", hint=hint, id="django_hooks.W041")]


@register(Tags.security, deploy=True)
def check_password(**_: Any) -> list[CheckMessage]:
    """W042: whoever reaches Redis can log in to the wiki as anybody."""
    if not usable(attrgetter("store")) or conf.store.address.local or conf.store.address.credentials:
        return []
    hint = "Give Redis a user with a password, and name them in WIKI_REDIS_URL."
    return [Warning("Redis is on another host, and asks for no password.", hint=hint, id="django_hooks.W042")]
