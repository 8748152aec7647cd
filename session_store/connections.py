"""Clients for a Redis URL: one pool a process and kind, shared by its threads, safe after a fork."""

from __future__ import annotations

import os
import threading
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from .address import parse_address, server_name
from .config import Config

__all__ = ["client", "database", "options", "server_name"]

_clients: dict[tuple[str, str, float], redis.Redis] = {}
_lock = threading.Lock()


def _forget_lock() -> None:
    """Another thread may have held it at the fork; it does not exist here."""
    global _lock  # noqa: PLW0603 - there is one a process
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)


def client(config: Config, *, patience: float | None = None) -> redis.Redis:
    """Return the process's client for that Redis.

    redis-py's pool notices a fork by its process id and begins anew, so a client made before a fork may be used after.

    Args:
        config: which Redis.
        patience: seconds to wait for an answer, where that is not the config's timeout: for commands that block.
    """
    key = (config.redis_url, config.redis_password_file, patience or config.redis_timeout)
    with _lock:
        if key not in _clients:
            _clients[key] = _connect(config, patience)
        return _clients[key]


def database(url: str) -> int:
    """Return the number of the database that a URL names."""
    return parse_address(url).database


def options(config: Config) -> dict[str, Any]:
    """Return what every client is given beside the bare URL, whether or not it runs in an event loop."""
    return {
        "socket_connect_timeout": config.redis_timeout,
        "socket_timeout": config.redis_timeout,
        "credential_provider": config.address.credentials,
        "driver_info": None,  # what redis-py would tell of itself takes two round trips and a right
    }


def _connect(config: Config, patience: float | None) -> redis.Redis:
    return redis.Redis.from_url(
        config.address.url,
        **options(config) | {"socket_timeout": patience or config.redis_timeout},
        maint_notifications_config=MaintNotificationsConfig(enabled=False),  # these take a round trip, and a right
        retry=Retry(NoBackoff(), 0),  # redis-py's own retries make one call last 9 s on a hung Redis
    )
