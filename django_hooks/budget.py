"""The time that one request may spend on waiting for Redis."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

from session_store import StoreUnavailable
from session_store.connections import server_name
from session_store.steps import Steps

from .conf import conf
from .stores import get_async_store, get_hurried_store, get_store

T = TypeVar("T")


class Budget:
    """What is left of ``WIKI_REDIS_TIMEOUT`` for one request, over all of its round trips.

    In an event loop a round trip is cut off where all of it is used up. Without one that can't be done: there, every
    round trip but the first may take half of it, and none is begun when less is left.
    """

    __slots__ = ("_spent",)

    def __init__(self) -> None:
        self._spent = 0.0

    @property
    def left(self) -> float:
        """Seconds that may still be spent."""
        return conf.store.redis_timeout - self._spent

    def spend(self, steps: Steps[T]) -> T:
        """Run a verb.

        Raises:
            StoreUnavailable: Redis is away, or has taken its time already.
        """
        if self.left < conf.store.redis_timeout / 2:
            raise _over()
        store = get_hurried_store() if self._spent else get_store()
        start = time.monotonic()
        try:
            return store.do(steps)
        finally:
            self._spent += time.monotonic() - start

    async def aspend(self, steps: Steps[T]) -> T:
        """Run a verb in an event loop; raises as `spend`."""
        start = time.monotonic()
        try:
            if not self._spent:
                return await get_async_store().do(steps)
            async with asyncio.timeout(self.left):
                return await get_async_store().do(steps)
        except TimeoutError:
            raise _over() from None
        finally:
            self._spent += time.monotonic() - start


def _over() -> StoreUnavailable:
    return StoreUnavailable(server_name(conf.store.redis_url), "took so long that this request asks nothing more")
