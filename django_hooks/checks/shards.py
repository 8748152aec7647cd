"""Checks of over how many shards users are spread."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name

from session_store.address import Kind
from session_store.keys import MANY_SHARDS

from ..conf import conf
from .basics import usable


@register
def check_shards(**_: Any) -> list[CheckMessage]:
    """W031: on a cluster the worker has threads for each shard; a number once used costs it that for weeks."""
    if not usable(attrgetter("store")) or conf.store.address.kind is not Kind.CLUSTER:
        return []
    if conf.store.redis_shards <= MANY_SHARDS:
        return []
    hint = "Set WIKI_REDIS_SHARDS to about five times the number of primaries: 16 for three, 64 for a dozen."
    message = f"WIKI_REDIS_SHARDS is {conf.store.redis_shards}; more than {MANY_SHARDS} are too much for one worker."
    return [Warning(message, hint=hint, id="django_hooks.W031")]
