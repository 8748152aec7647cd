"""The site's store: one a process, made when it is first needed."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cache

from session_store import AsyncStore, Config, Store, StoreUnavailable
from session_store.throttle import Throttle

from .conf import conf

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def get_store() -> Store:
    """Return the store that the settings name."""
    return _store(conf.store)


def get_hurried_store() -> Store:
    """Return the same store, with half the patience: for what a request asks after it has asked already."""
    return _hurried_store(conf.store)


def get_async_store() -> AsyncStore:
    """Return the same for an event loop; each loop has connections of its own."""
    return _async_store(conf.store)


def note_unavailable(error: StoreUnavailable, consequence: str) -> None:
    """Say in the log, at most once a minute of a kind, that Redis is away and what that means."""
    if _throttle.allows(consequence):
        _log.warning("%s; %s", error, consequence)


@cache
def _store(config: Config) -> Store:
    return Store(config)


@cache
def _hurried_store(config: Config) -> Store:
    return Store(replace(config, redis_timeout=config.redis_timeout / 2), beside=_store(config))


@cache
def _async_store(config: Config) -> AsyncStore:
    return AsyncStore(config)
