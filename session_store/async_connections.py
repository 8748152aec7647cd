"""Clients for an event loop: one pool a loop and Redis, shared by its tasks."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .config import Config
from .connections import options

#: Connections of one loop. A request holds one for a fraction of a millisecond; more would only wait in Redis instead.
MOST = 50

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str, float], Redis]] = WeakKeyDictionary()


def async_client(config: Config) -> Redis:
    """Return the running loop's client for that Redis."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    key = _key(config)
    if key not in clients:
        clients[key] = _connect(config)
    return clients[key]


async def close_clients(config: Config) -> None:
    """Close the running loop's connections to that Redis."""
    client = _clients.get(asyncio.get_running_loop(), {}).pop(_key(config), None)
    if client is not None:
        await client.aclose()


def _key(config: Config) -> tuple[str, str, float]:
    return config.redis_url, config.redis_password_file, config.redis_timeout


def _connect(config: Config) -> Redis:
    pool = BlockingConnectionPool.from_url(
        config.address.url,
        max_connections=MOST,
        timeout=config.redis_timeout,  # seconds that a task waits for a connection to be free
        **options(config),
        retry=Retry(NoBackoff(), 0),  # as in connections.py
    )
    return Redis.from_pool(pool)
