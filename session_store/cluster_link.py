"""A link to a cluster: each command goes to the node that has its key; redis-py knows which that is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    ClusterDownError,
    NoScriptError,
    RedisClusterException,
    RedisError,
)

from .breaker import Breaker
from .config import Config
from .connections import cluster_client, known_cluster
from .errors import StoreUnavailable
from .link import ELSEWHERE, LOOK_EVERY, LOST, MOMENT, Node, Word, raw_words, receive, send
from .lookout import Lookout
from .scripts import Request
from .throttle import Throttle


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
        self._finding: Lookout[RedisCluster] = Lookout()
        self._looking: Lookout[None] = Lookout()
        self._looks = Throttle(seconds=LOOK_EVERY)

    def command(self, words: Sequence[Word], key: Word) -> Any:
        """Run a command where its key is."""
        cluster, node = self._find(key)
        server = cluster.get_redis_connection(node)
        try:
            return server.execute_command(*words)
        except UnicodeEncodeError:
            return self.command(raw_words(words), key)
        except NoScriptError:
            raise
        except ELSEWHERE:
            return self._follow(cluster, words)
        except RedisError as error:
            raise self._lost(cluster, node, error) from error

    def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands at the nodes that have their keys, at all of them at once; a node that is lost is an answer."""
        cluster = self._cluster()
        answers: list[Any] = [None] * len(requests)
        sent: list[tuple[ClusterNode, list[int], Any]] = []
        try:
            for node, places in self._by_node(requests, answers).items():
                batch = [requests[place].words for place in places]
                try:
                    sent.append((node, places, send(self._pool(cluster, node), batch)))
                except RedisError as error:
                    _put(answers, places, self._lost(cluster, node, error))
            end = time.monotonic() + self._config.redis_timeout  # for all: they were all asked before
            while sent:
                node, places, connection = sent.pop(0)
                try:
                    wait = end - time.monotonic()
                    found = receive(self._pool(cluster, node), connection, len(places), wait=wait)
                except RedisError as error:
                    _put(answers, places, self._lost(cluster, node, error))
                else:
                    for place, answer in zip(places, found, strict=True):
                        down = isinstance(answer, ClusterDownError)
                        answers[place] = self._lost(cluster, node, answer) if down else answer
        finally:
            for node, _, connection in sent:
                connection.disconnect()
                self._pool(cluster, node).release(connection)
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
        """Have redis-py ask the nodes which of them has what; what comes of that shows when it is needed."""
        self._look(self._cluster())

    def _cluster(self) -> RedisCluster:
        self._breaker.check()
        found = known_cluster(self._config)
        if found is not None:
            return found
        try:
            return self._finding.run(partial(cluster_client, self._config), wait=self._config.redis_timeout)
        except (RedisError, RedisClusterException, TimeoutError) as error:
            raise self._breaker.unavailable(_worded(error), slow=True) from error

    def _find(self, key: Word) -> tuple[RedisCluster, ClusterNode]:
        cluster = self._cluster()
        slot = cluster.keyslot(key)
        try:
            node = cluster.nodes_manager.get_node_from_slot(slot)
        except RedisClusterException as error:
            self._look(cluster)
            raise self._breaker.unavailable(error) from error
        self._breaker.check(node.name)
        return cluster, node

    def _look(self, cluster: RedisCluster, lost: str | None = None) -> None:
        """Have redis-py look who has which slots, and wait a moment for that: it is quick where one node answers.

        Where it has just looked, nothing is done. Connections to the node that answers are kept, as nobody here reads
        from replicas.
        """
        if not self._looks.allows("look"):
            return
        look = partial(
            cluster.nodes_manager.initialize, disconnect_startup_nodes_pools=False, last_failed_node_name=lost
        )
        with suppress(RedisError, RedisClusterException, TimeoutError):
            self._looking.run(look, wait=MOMENT)

    def _by_node(self, requests: Sequence[Request[Any]], answers: list[Any]) -> dict[ClusterNode, list[int]]:
        """Return which requests go where; of those that go nowhere the error is the answer."""
        places: dict[ClusterNode, list[int]] = {}
        for place, request in enumerate(requests):
            try:
                places.setdefault(self._find(request.key)[1], []).append(place)
            except StoreUnavailable as error:
                answers[place] = error
        return places

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
            return self._follow(cluster, raw_words(request.words))
        except NoScriptError as error:
            return error
        except StoreUnavailable as error:
            return error

    def _lost(self, cluster: RedisCluster, node: ClusterNode, error: RedisError) -> StoreUnavailable:
        """Return what to raise; where the node can't be reached, have redis-py look for who has its slots now.

        The same where it doesn't serve, since most primaries are gone: redis-py itself would sleep for 0.25 s first.
        """
        down = isinstance(error, ClusterDownError)
        found = self._breaker.unavailable(error, "" if down else node.name)
        if down or isinstance(error, LOST):
            self._look(cluster, str(node.name))
        return found

    @staticmethod
    def _pool(cluster: RedisCluster, node: ClusterNode) -> redis.ConnectionPool:
        pool: redis.ConnectionPool = cluster.get_redis_connection(node).connection_pool
        return pool

    @staticmethod
    def _node(cluster: RedisCluster, node: ClusterNode) -> Node:
        return Node(str(node.name), cluster.get_redis_connection(node))


def _put(answers: list[Any], places: Sequence[int], answer: Any) -> None:
    for place in places:
        answers[place] = answer


def _worded(error: Exception) -> Exception:
    return redis.TimeoutError("none of its nodes has answered in time") if isinstance(error, TimeoutError) else error
