"""A subscription to notifications: at one server, or at every primary of a cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException, RedisError
from redis.keyspace_notifications import ClusterKeyspaceNotifications, KeyNotification, KeyspaceChannel
from redis.sentinel import SentinelConnectionPool

from session_store import Config
from session_store.address import Kind
from session_store.connections import client, cluster_client
from session_store.link import Node
from session_store.trouble import unavailable

#: Seconds in which redis-py listens to all nodes of a cluster in turn.
ROUND = 0.03

#: Seconds that a node of a cluster may take to answer a subscription: meanwhile nobody listens to the others.
NODE_PATIENCE = 1.25

_log = logging.getLogger(__name__)


class Subscription(Protocol):
    """What a listener hears by. Every method may raise `StoreUnavailable`."""

    def hear(self, wait: float) -> KeyNotification | None:
        """Return the next notification; None where none has come within `wait` seconds."""

    def hears(self, node: str) -> bool:
        """Whether a server is heard, by name."""

    def follow(self, since: float) -> None:
        """Look which servers are to be heard by now, unless that was done since then (`time.monotonic`)."""

    def moved(self) -> bool:
        """Whether it is to be made anew: it hears a server that is no longer the one."""

    def take_new(self) -> list[Node]:
        """Return the nodes that are heard anew since the last call: what they said in between was missed."""

    def close(self) -> None:
        """End it."""


def subscribe(config: Config, patterns: Sequence[str], *, wait: float) -> Subscription:
    """Subscribe to keys' patterns.

    Args:
        config: which Redis.
        patterns: globs of keys.
        wait: seconds that `hear` waits at most.
    """
    if config.address.kind is Kind.CLUSTER:
        return ClusterSubscription(config, patterns)
    return ServerSubscription(config, patterns, wait)


class ServerSubscription:
    """A subscription to one server: the only one, or the primary that the Sentinels name."""

    def __init__(self, config: Config, patterns: Sequence[str], wait: float) -> None:
        self._config = config
        self._redis = client(config, patience=wait + config.redis_timeout)
        self._notifications = self._redis.keyspace_notifications()
        try:
            for pattern in patterns:
                self._notifications.subscribe_keyspace(pattern, db=config.address.database)
                # Its confirmation: what happens from here on is heard.
                self._notifications.get_message(timeout=config.redis_timeout, ignore_subscribe_messages=False)
        except RedisError as error:
            self.close()
            raise unavailable(config, error) from error
        self._ear = _Ear(self._notifications._pubsub)

    def hear(self, wait: float) -> KeyNotification | None:
        """Return the next notification."""
        try:
            return self._notifications.get_message(timeout=wait)
        except RedisError as error:
            raise unavailable(self._config, error) from error

    def hears(self, node: str) -> bool:  # noqa: ARG002 - there is one server
        """Yes: there is no other."""
        return True

    def follow(self, since: float) -> None:
        """Nobody else is to be heard."""

    def moved(self) -> bool:
        """Whether the Sentinels name another server by now."""
        pool, connection = self._redis.connection_pool, self._notifications._pubsub.connection
        if not isinstance(pool, SentinelConnectionPool) or connection is None:
            return False
        try:
            return bool(pool.get_master_address() != (connection.host, connection.port))
        except RedisError:
            return False  # nobody names another

    def take_new(self) -> list[Node]:
        """Return the server where there is a new connection to it."""
        return [Node(self._config.address.name, self._redis)] if self._ear.take_new() else []

    def close(self) -> None:
        """End it."""
        self._notifications.close()


class ClusterSubscription:
    """A subscription to every primary of a cluster. redis-py drops one that can't be reached; here that is followed up.

    It has a client of its own: whenever one looks anew which nodes there are, it cuts off a node's connections.
    """

    def __init__(self, config: Config, patterns: Sequence[str]) -> None:
        self._config = config
        self._looked = time.monotonic()
        self._ears: dict[str, _Ear] = {}
        try:
            self._cluster: RedisCluster = cluster_client(config, patience=NODE_PATIENCE)
            self._cluster.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
            self._notifications: ClusterKeyspaceNotifications = self._cluster.keyspace_notifications()
            # All at once: each call waits for a node that doesn't answer.
            self._notifications.subscribe(*map(KeyspaceChannel, patterns))
        except (RedisError, RedisClusterException) as error:
            raise unavailable(config, error) from error

    def hear(self, wait: float) -> KeyNotification | None:
        """Return the next notification of any node."""
        until = time.monotonic() + wait
        while True:
            heard = self._notifications.get_message(timeout=min(wait, ROUND))
            if heard is not None or time.monotonic() >= until:
                return heard

    def hears(self, node: str) -> bool:
        """Whether a node is heard."""
        return node in self._nodes

    def follow(self, since: float) -> None:
        """Look who is primary by now, and listen to those who are new."""
        if self._looked > since:
            return
        self._looked = time.monotonic()
        try:
            self._cluster.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
            self._notifications.refresh_subscriptions()
        except (RedisError, RedisClusterException) as error:
            # The others are to be heard meanwhile.
            _log.debug("not all nodes can be listened to: %s", error)

    def moved(self) -> bool:
        """No: it follows by itself."""
        return False

    def take_new(self) -> list[Node]:
        """Return the nodes with a new connection."""
        self._ears = {
            name: ear if (ear := self._ears.get(name)) and ear.pubsub is pubsub else _Ear(pubsub)
            for name, pubsub in self._nodes.items()
        }
        names = {name for name, ear in self._ears.items() if ear.take_new()}
        found = [node for node in self._cluster.get_primaries() if node.name in names]
        return [Node(str(node.name), self._cluster.get_redis_connection(node)) for node in found]

    def close(self) -> None:
        """End it."""
        self._notifications.close()

    @property
    def _nodes(self) -> dict[str, Any]:
        """What listens to each node that is heard, by name."""
        return self._notifications._node_pubsubs


class _Ear:
    """Learns of reconnects that redis-py makes without a word: what happened in between was missed."""

    def __init__(self, pubsub: Any) -> None:
        self.pubsub = pubsub
        self._new = True
        connection = pubsub.connection
        if connection is not None:
            connection.register_connect_callback(self._connected)

    def take_new(self) -> bool:
        """Whether there is a new connection since the last call."""
        new, self._new = self._new, False
        return new

    def _connected(self, _connection: object) -> None:
        self._new = True
