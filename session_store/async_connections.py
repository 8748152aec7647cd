"""Clients for an event loop: one a loop and Redis, shared by its tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from redis._parsers import AsyncCommandsParser
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff

from .address import Kind
from .async_cluster import AsyncCluster
from .config import Config
from .connections import TRIES, options, sentinel_options
from .link import LOST
from .sentinels import AsyncSentinel

Client = TypeVar("Client", Redis, AsyncCluster)

#: Connections of one loop to a server. A request holds one for a fraction of a millisecond; more would only wait in
#: Redis instead.
MOST = 50

#: The same to a node of a cluster, where redis-py has no task wait for a connection, but refuses.
MOST_REFUSING = 500

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str, float], Redis | AsyncCluster]]
_clients = WeakKeyDictionary()


def async_client(config: Config) -> Redis:
    """Return the running loop's client for that Redis: for the one server, or the primary that the Sentinels name."""
    return _find(config, _connect)


def async_cluster(config: Config) -> AsyncCluster:
    """Return the running loop's client for that cluster; it looks for the nodes when it is first used."""
    return _find(config, _connect_cluster)


async def close_clients(config: Config) -> None:
    """Close the running loop's connections to that Redis."""
    client = _clients.get(asyncio.get_running_loop(), {}).pop(_key(config), None)
    if client is None:
        return
    await client.aclose()
    pool = getattr(client, "connection_pool", None)
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _find(config: Config, connect: Callable[[Config], Client]) -> Client:
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    key = _key(config)
    if key not in clients:
        clients[key] = connect(config)
    return cast(Client, clients[key])


def _key(config: Config) -> tuple[str, str, float]:
    return config.redis_url, config.redis_password_file, config.redis_timeout


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the primary that the Sentinels name; a task waits for one to be free."""


def _connect(config: Config) -> Redis:
    address = config.address
    pool: dict[str, Any] = {"max_connections": MOST, "timeout": config.redis_timeout, "retry": _no_retry()}
    if address.kind is Kind.SENTINEL:
        sentinels = AsyncSentinel(
            [(host.name, host.port) for host in address.hosts],
            sentinel_kwargs=sentinel_options(config) | {"retry": _no_retry()},
        )
        found: Redis = sentinels.master_for(
            address.service,
            connection_pool_class=_SentinelPool,
            db=address.database,
            **address.connection_options | options(config) | pool,
        )
        return found
    return Redis.from_pool(BlockingConnectionPool.from_url(address.url, **options(config) | pool))


def _connect_cluster(config: Config) -> AsyncCluster:
    address = config.address
    cluster = RedisCluster(
        startup_nodes=[ClusterNode(host.name, host.port) for host in address.hosts],
        require_full_coverage=False,  # what is covered can be used
        max_connections=MOST_REFUSING,
        retry=_no_retry(),
        **address.connection_options,
        **options(config),
    )
    cluster.commands_parser = _Parser(cluster)
    return AsyncCluster(cluster)


class _Parser(AsyncCommandsParser):
    """Asks a primary which commands there are; where that is a dead one, another. redis-py asks the first alone."""

    def __init__(self, cluster: RedisCluster) -> None:
        super().__init__()
        self._cluster = cluster

    async def initialize(self, node: ClusterNode | None = None) -> None:
        """Ask; `node`: the first one."""
        found = self._cluster.get_primaries()
        lost: Exception = LOST[0]("none of its nodes answers")
        for one in [*([node] if node else []), *(other for other in found if other is not node)][:TRIES]:
            try:
                await super().initialize(one)
            except LOST as error:
                lost = error
            else:
                return
        raise lost


def _no_retry() -> Retry:
    return Retry(NoBackoff(), 0)  # as in connections.py
