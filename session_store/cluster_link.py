"""A link to a cluster: each command goes to the node that has its key; redis-py knows which that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    AskError,
    ClusterDownError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)

from .breaker import Breaker
from .config import Config
from .connections import cluster_client
from .errors import StoreUnavailable
from .link import LOST, Node, Word, raw, receive, send
from .scripts import Request

#: Answers that say that the command is to go elsewhere, or to come again. A MOVED is a kind of ASK to redis-py.
ELSEWHERE = (AskError, TryAgainError, ClusterDownError)


class ClusterLink:
    """Sends each command where its key is.

    Where nothing has moved, a command takes the short way, straight to its node; redis-py follows what has.

    Args:
        config: which cluster.
        breaker: says whether a node is worth asking.
    """

    def __init__(self, config: Config, breaker: Breaker) -> None:
        self._config = config
        self._breaker = breaker

    def command(self, words: Sequence[Word], key: Word) -> Any:
        """Run a command where its key is."""
        cluster, node = self._find(key)
        server = cluster.get_redis_connection(node)
        try:
            return server.execute_command(*words)
        except UnicodeEncodeError:
            return self.command([*map(raw, words)], key)
        except NoScriptError:
            raise
        except ELSEWHERE:
            return self._follow(cluster, words)
        except RedisError as error:
            raise self._lost(cluster, node, error) from error

    def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands at the nodes that have their keys, all of them at once."""
        places: dict[ClusterNode, list[int]] = {}
        for place, request in enumerate(requests):
            cluster, node = self._find(request.key)
            places.setdefault(node, []).append(place)
        answers: list[Any] = [None] * len(requests)
        sent: list[tuple[ClusterNode, Any]] = []
        try:
            for node, wanted in places.items():
                pool = cluster.get_redis_connection(node).connection_pool
                sent.append((node, send(pool, [requests[place].words for place in wanted])))
            while sent:
                node, connection = sent.pop(0)
                pool = cluster.get_redis_connection(node).connection_pool
                for place, answer in zip(places[node], receive(pool, connection, len(places[node])), strict=True):
                    answers[place] = answer
        except RedisError as error:
            raise self._lost(cluster, node, error) from error
        finally:
            for unread, connection in sent:
                connection.disconnect()
                cluster.get_redis_connection(unread).connection_pool.release(connection)
        for place, request in enumerate(requests):
            if isinstance(answers[place], ELSEWHERE):
                answers[place] = self._follow_or_error(cluster, request)
        return answers

    def primaries(self) -> list[Node]:
        """Return the nodes that have slots."""
        cluster = self._cluster()
        return [self._node(cluster, node) for node in cluster.get_primaries()]

    def node_of(self, key: str) -> Node:
        """Return the node that has a key."""
        cluster, node = self._find(key)
        return self._node(cluster, node)

    def refresh(self) -> None:
        """Ask a node which node has what."""
        try:
            self._cluster().nodes_manager.initialize()
        except (RedisError, RedisClusterException) as error:
            raise self._breaker.unavailable(error) from error

    def _cluster(self) -> RedisCluster:
        self._breaker.check()
        try:
            return cluster_client(self._config)
        except (RedisError, RedisClusterException) as error:
            raise self._breaker.unavailable(error, slow=True) from error

    def _find(self, key: Word) -> tuple[RedisCluster, ClusterNode]:
        cluster = self._cluster()
        slot = cluster.keyslot(key)
        try:
            node = cluster.nodes_manager.get_node_from_slot(slot)
        except RedisClusterException as error:
            self.refresh()
            raise self._breaker.unavailable(error) from error
        self._breaker.check(node.name)
        return cluster, node

    def _follow(self, cluster: RedisCluster, words: Sequence[Word]) -> Any:
        """Have redis-py run a command, wherever its key is now."""
        try:
            return cluster.execute_command(*words)
        except NoScriptError:
            raise
        except (RedisError, RedisClusterException) as error:
            raise self._breaker.unavailable(error) from error

    def _follow_or_error(self, cluster: RedisCluster, request: Request[Any]) -> Any:
        try:
            return self._follow(cluster, [*map(raw, request.words)])
        except NoScriptError as error:
            return error
        except StoreUnavailable as error:
            return error.__cause__

    def _lost(self, cluster: RedisCluster, node: ClusterNode, error: RedisError) -> StoreUnavailable:
        """Return what to raise; where the node can't be reached, have redis-py look for who has its slots now."""
        found = self._breaker.unavailable(error, node.name)
        if isinstance(error, LOST):
            try:
                cluster.nodes_manager.initialize(last_failed_node_name=node.name)
            except (RedisError, RedisClusterException) as worse:
                return self._breaker.unavailable(worse, slow=True)
        return found

    @staticmethod
    def _node(cluster: RedisCluster, node: ClusterNode) -> Node:
        return Node(str(node.name), cluster.get_redis_connection(node))
