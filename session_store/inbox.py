"""A stream's next entries, on a connection of their own: asked for ahead, given when they are there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import redis
from redis.exceptions import RedisError

from .connections import client
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
        store: whose streams.
        wait: seconds for which `take` waits for an answer.
    """

    def __init__(self, store: Store, *, wait: float) -> None:
        self._config = store.config
        self._wait = wait
        self._pool = client(store.config).connection_pool
        self._connection: Any = None
        self._asked: tuple[dict[str, str], int] | None = None
        self._overdue = 0.0

    def ask(self, positions: Mapping[str, str], count: int) -> None:
        """Ask for what follows the positions, by stream; don't wait for it."""
        block = ("BLOCK", int(BLOCK * 1000)) if self._wait else ()
        try:
            if self._connection is None:
                # Not one of the pool's: who forgets to close this would take it from the others for ever.
                self._connection = self._pool.connection_class(**self._pool.connection_kwargs)
                self._connection.connect()
            self._connection.send_command("XREAD", *block, "COUNT", count, "STREAMS", *positions, *positions.values())
        except RedisError as error:
            raise self._unavailable(error) from error
        self._asked = dict(positions), count
        self._overdue = time.monotonic() + BLOCK + self._config.redis_timeout

    def take(self, positions: Mapping[str, str], count: int) -> list[tuple[bytes, list[Row]]]:
        """Return the entries after the positions, by stream; none where nothing has come in time."""
        ahead = self._asked == (positions, count)
        if not ahead:
            self._ask_anew(positions, count)
        answer = self._answer()
        if ahead and self._asked is None and not answer:
            # Nothing had come when Redis said so; that may be long ago.
            self.ask(positions, count)
            answer = self._answer()
        pairs = answer.items() if isinstance(answer, dict) else answer or ()  # RESP3 and RESP2
        return [(stream, rows) for stream, rows in pairs if rows]

    def close(self) -> None:
        """Forget what was asked, and close the connection."""
        self._asked = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.disconnect()

    def _ask_anew(self, positions: Mapping[str, str], count: int) -> None:
        if self._asked is not None:
            self.close()
        self.ask(positions, count)

    def _answer(self) -> Any:
        """Return what has come; None where nothing has, and then the question stands, or Redis has said so."""
        try:
            if self._wait and not self._connection.can_read(timeout=self._wait):
                if time.monotonic() > self._overdue:
                    raise redis.TimeoutError("no answer")
                return None
            self._asked = None
            return self._connection.read_response(disable_decoding=True)
        except RedisError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: RedisError) -> StoreUnavailable:
        self.close()
        return unavailable(self._config, error)
