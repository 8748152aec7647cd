"""Checks of where the wiki's cookie is sent: nowhere without Django's session cookie.

A browser that sends the one without the other looks like one that is not logged in any more, and is logged out of both.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name

from ..conf import conf, serves_wiki
from .basics import usable
from .cookies import within

#: How many requests carry a cookie, by its SameSite; without one, browsers take it for Lax or let all carry it.
_REACH = {"strict": 0, "lax": 1, "none": 2}


@register
def check_samesite_follows(**_: Any) -> list[CheckMessage]:
    """W008: a link from another site brings the wiki's cookie along, and Django's not."""
    if not serves_wiki() or not usable(attrgetter("cookie_samesite")):
        return []
    djangos = _REACH.get(str(settings.SESSION_COOKIE_SAMESITE or "lax").lower(), _REACH["lax"])
    if _REACH[conf.cookie_samesite.lower()] <= djangos:
        return []
    hint = "Remove WIKI_COOKIE_SAMESITE: it follows SESSION_COOKIE_SAMESITE."
    message = "Requests from other sites carry the wiki's cookie and not Django's: such a link logs people out of both."
    return [Warning(message, hint=hint, id="django_hooks.W008")]


@register
def check_path_follows(**_: Any) -> list[CheckMessage]:
    """W009: on some of the site's pages browsers send the wiki's cookie alone."""
    path = settings.SESSION_COOKIE_PATH
    if not serves_wiki() or path == "/" or (settings.FORCE_SCRIPT_NAME or "").startswith(path.rstrip("/")):
        return []
    hint = "Remove SESSION_COOKIE_PATH; or, if the whole site is below it, set FORCE_SCRIPT_NAME, or silence this."
    message = f"Django's session cookie is sent to {path} alone: pages beside it log people out of both."
    return [Warning(message, hint=hint, id="django_hooks.W009")]


@register
def check_hosts_share_sessions(**_: Any) -> list[CheckMessage]:
    """W010: on one of the site's hosts browsers send the wiki's cookie alone."""
    if not serves_wiki() or not usable(attrgetter("wiki_url", "cookie_domain")) or not conf.cookie_domain:
        return []
    hosts = {host.lower() for host in settings.ALLOWED_HOSTS if within(host, conf.cookie_domain)}
    hosts -= {urlsplit(conf.wiki_url).hostname or ""}
    domain = settings.SESSION_COOKIE_DOMAIN
    if settings.PREPEND_WWW or len(hosts) < 2 or (domain and all(within(host, domain) for host in hosts)):
        return []
    hint = "Let one of them alone answer, name it alone in ALLOWED_HOSTS, and have the web server redirect the others."
    message = f"Django's session cookie goes to one of {', '.join(sorted(hosts))}: the others log people out of both."
    return [Warning(message, hint=hint, id="django_hooks.W010")]
