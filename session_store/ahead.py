"""Requests that are sent before the last ones are answered, on a connection of their own: Redis need not wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from .errors import StoreUnavailable
from .link import raw
from .scripts import Request
from .store import Store
from .trouble import unavailable


class Ahead:
    """Carries requests to where a key is, and their answers back, both in order.

    After an error all that was sent is forgotten; it may have been done or not.

    Args:
        store: whose Redis.
        key: one of a lane; all requests name keys of that lane alone.
    """

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._node = ""
        self._connection: Any = None
        self._sent: deque[Sequence[Request[Any]]] = deque()

    def __len__(self) -> int:
        return len(self._sent)

    def send(self, requests: Sequence[Request[Any]]) -> None:
        """Send requests; don't wait for their answers.

        Raises:
            StoreUnavailable: Redis is away.
        """
        try:
            if self._connection is None:
                self._connect()
            words = [[*map(raw, request.words)] for request in requests]
            self._connection.send_packed_command(self._connection.pack_commands(words))
        except RedisError as error:
            raise self._unavailable(error) from error
        self._sent.append(requests)

    def receive(self) -> list[Any]:
        """Return the answers to what was sent longest ago.

        Raises:
            NoScriptError: Redis doesn't know a script.
            StoreUnavailable: anything else went wrong.
        """
        requests = self._sent.popleft()
        try:
            answers = [self._connection.read_response() for _ in requests]
        except NoScriptError:
            self.close()
            raise
        except RedisError as error:
            raise self._unavailable(error) from error
        return [self._store.read_answer(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def close(self) -> None:
        """Close the connection, and forget what was sent."""
        self._sent.clear()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.disconnect()

    def _connect(self) -> None:
        node = self._store.link.node_of(self._key)
        self._node, pool = node.name, node.redis.connection_pool
        self._connection = pool.connection_class(**pool.connection_kwargs)
        self._connection.connect()

    def _unavailable(self, error: RedisError) -> StoreUnavailable:
        self.close()
        return unavailable(self._store.config, error, self._node)
