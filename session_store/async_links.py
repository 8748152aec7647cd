"""How an async store's commands reach Redis; the counterpart of `server_link` and `cluster_link`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from redis.asyncio.cluster import ClusterNode
from redis.exceptions import ClusterDownError, NoScriptError, RedisClusterException, RedisError, SlotNotCoveredError
from redis.exceptions import TimeoutError as TimedOut

from .address import Kind
from .async_cluster import AsyncCluster
from .async_connections import async_client, async_cluster
from .breaker import Breaker
from .config import Config
from .errors import StoreUnavailable
from .link import ELSEWHERE, LOST, Word, raw_words
from .scripts import Request


class AsyncLink(Protocol):
    """What an async store sends commands through. Any method may raise `StoreUnavailable`."""

    async def command(self, words: Sequence[Word], key: Word) -> Any:
        """Run a command where its key is; what Redis doesn't know a script for is a NoScriptError."""

    async def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands in one round trip; errors are answers."""


def async_link_to(config: Config, breaker: Breaker) -> AsyncLink:
    """Return the link to a Redis, for any event loop; nothing is connected yet.

    Args:
        config: which Redis.
        breaker: says whether it is worth asking.
    """
    kind = AsyncClusterLink if config.address.kind is Kind.CLUSTER else AsyncServerLink
    return kind(config, breaker)


class AsyncServerLink:
    """Sends everything to one server, whichever that is just now."""

    def __init__(self, config: Config, breaker: Breaker) -> None:
        self._config = config
        self._breaker = breaker

    async def command(self, words: Sequence[Word], key: Word) -> Any:  # noqa: ARG002 - there is one server
        """Run a command."""
        self._breaker.check()
        try:
            return await async_client(self._config).execute_command(*raw_words(words))
        except NoScriptError:
            raise
        except RedisError as error:
            raise self._breaker.unavailable(error) from error

    async def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands in one round trip."""
        self._breaker.check()
        try:
            async with async_client(self._config).pipeline(transaction=False) as pipe:
                for request in requests:
                    pipe.execute_command(*raw_words(request.words))
                return await pipe.execute(raise_on_error=False)
        except RedisError as error:
            raise self._breaker.unavailable(error) from error


class AsyncClusterLink:
    """Sends each command where its key is; redis-py follows what has moved."""

    def __init__(self, config: Config, breaker: Breaker) -> None:
        self._config = config
        self._breaker = breaker

    async def command(self, words: Sequence[Word], key: Word) -> Any:
        """Run a command where its key is."""
        answer = await self._run(words, key)
        if isinstance(answer, NoScriptError):
            raise answer
        if isinstance(answer, Exception):
            raise self._breaker.unavailable(answer) from answer
        return answer

    async def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands at the nodes that have their keys, those of one slot one after the other."""
        slots: dict[int, list[int]] = {}
        cluster = async_cluster(self._config)
        for place, request in enumerate(requests):
            slots.setdefault(cluster.slot_of(request.key), []).append(place)
        answers: list[Any] = [None] * len(requests)

        async def run(places: list[int]) -> None:
            for place in places:
                try:
                    answers[place] = await self._run(requests[place].words, requests[place].key)
                except StoreUnavailable as error:
                    answers[place] = error

        await asyncio.gather(*map(run, slots.values()))
        return answers

    async def _run(self, words: Sequence[Word], key: Word) -> Any:
        """Run a command; an error of Redis' own is an answer."""
        cluster = async_cluster(self._config)
        node = await self._find(cluster, key)
        try:
            return await cluster.run(node, raw_words(words))
        except ELSEWHERE:
            return await self._follow(cluster, words)
        except (*LOST, ClusterDownError) as error:
            raise await self._lost(cluster, node, error) from error
        except RedisError as error:
            return error

    async def _find(self, cluster: AsyncCluster, key: Word) -> ClusterNode:
        self._breaker.check()
        try:
            node = await cluster.find(key, wait=self._config.redis_timeout)
        except SlotNotCoveredError as error:
            await cluster.look()
            raise self._breaker.unavailable(error) from error
        except (RedisError, RedisClusterException) as error:
            raise self._breaker.unavailable(error, slow=True) from error
        except TimeoutError as error:
            late = TimedOut("none of its nodes has answered in time")
            raise self._breaker.unavailable(late, slow=True) from error
        self._breaker.check(node.name)
        return node

    async def _follow(self, cluster: AsyncCluster, words: Sequence[Word]) -> Any:
        """Have redis-py run a command, wherever its key is now; an error of Redis' own is an answer."""
        try:
            return await cluster.follow(raw_words(words))
        except (*LOST, RedisClusterException) as error:
            raise self._breaker.unavailable(error) from error
        except RedisError as error:
            return error

    async def _lost(self, cluster: AsyncCluster, node: ClusterNode, error: RedisError) -> StoreUnavailable:
        """Return what to raise, when it has been looked for who has the node's slots now; as a `ClusterLink` does."""
        down = isinstance(error, ClusterDownError)
        found = self._breaker.unavailable(error, "" if down else node.name)
        await cluster.look(node.name)
        return found
