"""Clients for a Redis URL: one a process and kind, shared by its threads, safe after a fork."""

from __future__ import annotations

import os
import threading
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from .address import Kind, parse_address, server_name
from .config import Config
from .exchange import Exchange
from .sentinels import Sentinel

__all__ = [
    "client",
    "cluster_client",
    "database",
    "exchange",
    "known_cluster",
    "options",
    "sentinel_options",
    "server_name",
]

#: Primaries that a new client of a cluster asks which commands there are.
TRIES = 5

_clients: dict[tuple[str, str, float], redis.Redis] = {}
_clusters: dict[tuple[str, str, float], RedisCluster] = {}
_exchanges: dict[tuple[str, str, float], Exchange] = {}
_lock = threading.Lock()


def _begin_anew() -> None:
    """Another thread may have held a lock at the fork, ours or one of redis-py's; it does not exist here."""
    global _lock  # noqa: PLW0603 - there is one a process
    _lock = threading.Lock()
    _clusters.clear()


os.register_at_fork(after_in_child=_begin_anew)


def client(config: Config, *, patience: float | None = None) -> redis.Redis:
    """Return the process's client for that Redis: for the one server, or the primary that the Sentinels name.

    redis-py's pool notices a fork by its process id and begins anew, so a client made before a fork may be used after.

    Args:
        config: which Redis.
        patience: seconds to wait for an answer, where that is not the config's timeout: for commands that block.
    """
    key = _key(config, patience)
    with _lock:
        if key not in _clients:
            _clients[key] = _connect(config, patience)
        return _clients[key]


def exchange(config: Config) -> Exchange:
    """Return the process's exchange with that Redis, over the connections of `client`."""
    pool = client(config).connection_pool
    with _lock:
        return _exchanges.setdefault(_key(config, None), Exchange(pool))


def cluster_client(config: Config, *, patience: float | None = None) -> RedisCluster:
    """Return the process's client for that cluster; a new one asks a node at once which others there are.

    Raises:
        redis.RedisError: no node answered.
        redis.exceptions.RedisClusterException: the same.
    """
    found = known_cluster(config, patience=patience)
    if found is None:
        # Not within the lock: it may take a while to find that no node answers, and others have their own to wait for.
        found = _connect_cluster(config, patience)
        with _lock:
            found = _clusters.setdefault(_key(config, patience), found)
    return found


def known_cluster(config: Config, *, patience: float | None = None) -> RedisCluster | None:
    """Return the process's client for that cluster, where there is one already."""
    return _clusters.get(_key(config, patience))


def database(url: str) -> int:
    """Return the number of the database that a URL names."""
    return parse_address(url).database


def options(config: Config, *, patience: float | None = None) -> dict[str, Any]:
    """Return what every client is given beside the bare URL, whether or not it runs in an event loop."""
    return {
        "socket_connect_timeout": config.redis_timeout,
        "socket_timeout": patience or config.redis_timeout,
        "credential_provider": config.address.credentials,
        "driver_info": None,  # what redis-py would tell of itself takes two round trips and a right
    }


def sentinel_options(config: Config) -> dict[str, Any]:
    """Return what clients for the Sentinels are given. They are asked one after the other, all in about one timeout."""
    address = config.address
    share = max(0.05, config.redis_timeout / len(address.hosts))
    return {
        **address.connection_options,
        **options(config),
        "socket_connect_timeout": share,
        "socket_timeout": share,
        "credential_provider": address.sentinel_credentials,
    }


def _key(config: Config, patience: float | None) -> tuple[str, str, float]:
    return config.redis_url, config.redis_password_file, patience or config.redis_timeout


def _plain() -> dict[str, Any]:
    return {
        # These take a round trip, and a right.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        # redis-py's own retries make one call last 9 s on a hung Redis.
        "retry": Retry(NoBackoff(), 0),
    }


def _connect(config: Config, patience: float | None) -> redis.Redis:
    address = config.address
    if address.kind is Kind.SENTINEL:
        sentinels = Sentinel(
            [(host.name, host.port) for host in address.hosts], sentinel_kwargs=sentinel_options(config) | _plain()
        )
        return sentinels.master_for(  # type: ignore[no-any-return] # redis-py's own
            address.service,
            db=address.database,
            **address.connection_options | options(config, patience=patience) | _plain(),
        )
    return redis.Redis.from_url(address.url, **options(config, patience=patience), **_plain())


def _connect_cluster(config: Config, patience: float | None) -> RedisCluster:
    address = config.address
    cluster = RedisCluster(
        startup_nodes=[ClusterNode(host.name, host.port) for host in address.hosts],
        require_full_coverage=False,  # what is covered can be used
        **address.connection_options,
        **options(config, patience=patience),
        # Which commands there are it asks one primary; where that is the dead one, it must ask another.
        **_plain() | {"retry": Retry(NoBackoff(), TRIES)},
    )
    cluster.set_retry(Retry(NoBackoff(), 0))
    return cluster
