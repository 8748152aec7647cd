"""Checks of the way to Redis."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name

from ..conf import conf
from .basics import usable


@register
def check_transport(**_: Any) -> list[CheckMessage]:
    """W030: what travels between site and Redis can be read, or answered, by others."""
    if not usable(attrgetter("store")):
        return []
    address = conf.store.address
    if address.encrypted and not address.checked:
        hint = "Remove ssl_cert_reqs and ssl_check_hostname from WIKI_REDIS_URL, and give ssl_ca_certs where needed."
        return [Warning("Any server is taken for the right Redis.", hint=hint, id="django_hooks.W030")]
    if not address.encrypted and not address.local:
        hint = "Use TLS: a WIKI_REDIS_URL that begins with rediss://."
        return [Warning("Names and addresses travel to Redis in the clear.", hint=hint, id="django_hooks.W030")]
    return []
