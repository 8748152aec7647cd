"""A cluster's client for one event loop: who has which slots is looked up beside, so that no task waits for it long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import RedisClusterException, RedisError, SlotNotCoveredError

from .link import LOOK_EVERY, MOMENT, Word
from .throttle import Throttle


class AsyncCluster:
    """redis-py's client. It is asked who has what, and follows what has moved; else commands go straight to a node.

    Its own `execute_command` closes the idle connections of a node that is lost while other tasks begin to use them,
    who then meet an AttributeError; and before a command it asks node after node for the slots, each with a whole
    time-out.

    Attributes:
        client: it.
    """

    def __init__(self, client: RedisCluster) -> None:
        self.client = client
        self._known = False
        self._looks = Throttle(seconds=LOOK_EVERY)
        self._looking: asyncio.Task[None] | None = None

    async def find(self, key: Word, *, wait: float) -> ClusterNode:
        """Return the node that has a key.

        Args:
            key: whose slot counts.
            wait: seconds, where nothing is known of the cluster yet.

        Raises:
            TimeoutError: no node has answered in that time.
            redis.RedisError: none can be reached.
            redis.exceptions.RedisClusterException: the same; where nobody has the slot, a SlotNotCoveredError.
        """
        if not self._known:
            await self._wait(wait, "")
        slot = self.slot_of(key)
        try:
            return self.client.nodes_manager.get_node_from_slot(slot)
        except KeyError:  # a client without an event loop says what it is
            raise SlotNotCoveredError(f'Slot "{slot}" not covered by the cluster.') from None

    def slot_of(self, key: Word) -> int:
        """Return the slot of a key."""
        return int(self.client.keyslot(key))

    async def run(self, node: ClusterNode, words: Sequence[Word]) -> Any:
        """Run a command at a node.

        Raises:
            redis.RedisError: it did not answer, or its answer is an error.
        """
        try:
            return await node.execute_command(*words)
        except AttributeError as error:
            raise Lost("Connection closed by another task.") from error

    async def follow(self, words: Sequence[Word]) -> Any:
        """Run a command wherever its key is now.

        Raises:
            redis.RedisError: that did not go well.
            redis.exceptions.RedisClusterException: the same.
        """
        try:
            return await self.client.execute_command(*words)
        except AttributeError as error:
            raise Lost("Connection closed by another task.") from error

    async def look(self, lost: str = "") -> None:
        """Look who has which slots, and wait a moment for that: it is quick where one node answers.

        Where it has just been looked, nothing is done.

        Args:
            lost: the node that is to be asked last.
        """
        if not self._looks.allows("look"):
            return
        with suppress(RedisError, RedisClusterException, TimeoutError):
            await self._wait(MOMENT, lost)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self.client.aclose()
        # That does nothing where a look has failed.
        await self.client.nodes_manager.aclose()
        await self.client.nodes_manager.aclose("startup_nodes")

    async def _wait(self, seconds: float, lost: str) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(lost))
            self._looking.add_done_callback(_note)
        await asyncio.wait_for(asyncio.shield(self._looking), seconds)

    async def _look(self, lost: str) -> None:
        if self._known:
            await self.client.nodes_manager.initialize(last_failed_node_name=lost)
            self.client._initialize = False  # else it would look again, within the next command
        else:
            await self.client.initialize()
            self._known = True


def _note(looked: asyncio.Task[None]) -> None:
    """Take note of an error for which nobody may be waiting any more."""
    if not looked.cancelled():
        looked.exception()
