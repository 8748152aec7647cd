"""A stream's next entries, on a connection of their own: asked for ahead, given when they are there."""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import MovedError, RedisError

from .errors import StoreUnavailable
from .store import Store
from .trouble import unavailable

#: Seconds that Redis waits for something to come before it says that nothing has: how often an idle reader asks.
BLOCK = 5.0

#: A stream entry as Redis answers it: its id, and its fields' names and values in turn; None where it was deleted.
Row = tuple[bytes, list[bytes] | None]


class Inbox:
    """What Redis has been asked for, and has perhaps answered already; one question at a time.

    Args:
        store: whose streams. Those asked for together must be of one lane.
        wait: seconds for which `take` waits for an answer.
    """

    def __init__(self, store: Store, *, wait: float) -> None:
        self._store = store
        self._wait = wait
        self._node = ""
        self._connection: Any = None
        self._asked: tuple[dict[str, str], int] | None = None
        self._overdue = 0.0
        self._moved = False

    def ask(self, positions: Mapping[str, str], count: int) -> None:
        """Ask for what follows the positions, by stream; don't wait for it."""
        block = ("BLOCK", int(BLOCK * 1000)) if self._wait else ()
        try:
            if self._connection is None:
                self._connect(next(iter(positions)))
            self._connection.send_command("XREAD", *block, "COUNT", count, "STREAMS", *positions, *positions.values())
        except RedisError as error:
            raise self._unavailable(error) from error
        self._asked = dict(positions), count
        self._overdue = time.monotonic() + BLOCK + self._store.config.redis_timeout

    def take(
        self, positions: Mapping[str, str], count: int, wait: float | None = None
    ) -> list[tuple[bytes, list[Row]]]:
        """Return the entries after the positions, by stream; none where nothing has come in time.

        Args:
            positions: the id of the last entry had, by stream.
            count: how many of a stream at most.
            wait: seconds to wait this time.
        """
        wait = self._wait if wait is None else wait
        ahead = self._asked == (positions, count)
        if not ahead:
            self._ask_anew(positions, count)
        answer = self._answer(wait)
        if ahead and self._asked is None and not answer:
            # Nothing had come when Redis said so; that may be long ago.
            self.ask(positions, count)
            answer = self._answer(wait)
        pairs = answer.items() if isinstance(answer, dict) else answer or ()  # RESP3 and RESP2
        return [(stream, rows) for stream, rows in pairs if rows]

    def close(self) -> None:
        """Forget what was asked, and close the connection."""
        self._asked = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.disconnect()

    def fileno(self) -> int:
        """Return the number of its socket, which can be read when something has come; -1 where it has none."""
        socket = self._connection and self._connection._sock  # redis-py gives it to nobody
        return socket.fileno() if socket else -1

    def _connect(self, stream: str) -> None:
        node = self._store.link.node_of(stream)
        self._node, pool = node.name, node.redis.connection_pool
        # Not one of the pool's: who forgets to close this would take it from the others for ever.
        self._connection = pool.connection_class(**pool.connection_kwargs)
        self._connection.connect()

    def _ask_anew(self, positions: Mapping[str, str], count: int) -> None:
        if self._asked is not None:
            self.close()
        self.ask(positions, count)

    def _answer(self, wait: float) -> Any:
        """Return what has come; None where nothing has, and then the question stands, or Redis has said so."""
        try:
            if self._wait and not self._connection.can_read(timeout=wait):
                if time.monotonic() > self._overdue:
                    raise redis.TimeoutError("no answer")
                return None
            self._asked = None
            answer = self._connection.read_response(disable_decoding=True)
        except MovedError as error:
            if self._moved:
                raise self._unavailable(error) from error
            self._moved = True
            self._leave()
            return None
        except RedisError as error:
            raise self._unavailable(error) from error
        self._moved = False
        return answer

    def _leave(self) -> None:
        """Close the connection, and have the link look which node has what: the next question goes there."""
        self.close()
        self._store.link.refresh()

    def _unavailable(self, error: RedisError) -> StoreUnavailable:
        with suppress(StoreUnavailable):
            self._leave()
        return unavailable(self._store.config, error, self._node)


def wait_for_any(inboxes: Iterable[Inbox], seconds: float) -> None:
    """Wait until one of several that have asked has an answer, or something else to say, but not longer than that."""
    with selectors.DefaultSelector() as selector:
        for inbox in inboxes:
            if inbox.fileno() >= 0:
                selector.register(inbox, selectors.EVENT_READ)
        selector.select(seconds)
