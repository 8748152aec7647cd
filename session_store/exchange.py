"""Commands and their answers, over connections of redis-py's pool, with less in between than its client has.

What that does for each command (its pool's bookkeeping, retries, metrics) takes 20 µs, as much as Redis and the system
take together. What a connection does itself stays redis-py's: to connect wherever the server is or Sentinels say, with
or without TLS, to log in, to time out, to read answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import redis
from hiredis import pack_command
from redis.exceptions import RedisError, ResponseError

#: A word of a command.
Word = str | bytes | int | float

#: Seconds for which an answer is waited for awake: somewhat more than it takes to fall asleep and be woken up, which is
#: most of a round trip to a Redis on the same machine.
AWAKE = 0.000_05

#: Answers that are waited for asleep, at most, before waiting awake is tried again.
MOST_ASLEEP = 63


class Exchange:
    """Commands to one server, for any thread, and after a fork.

    A connection serves again only when its answer has been read to the end: else the next one to ask would get what was
    meant for somebody else.

    Args:
        pool: whose connections are borrowed, and kept; ``pool.disconnect()`` closes these too.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._idle: list[Any] = []
        self._asleep = 0
        self._next_asleep = 0

    def ask(self, words: Sequence[Word]) -> Any:
        """Run a command and return the answer, as Redis gives it.

        Raises:
            redis.RedisError: it was an error, or did not come.
            UnicodeEncodeError: a word can't be sent as UTF-8; nothing was sent.
        """
        packed = pack_command(tuple(words))  # type: ignore[arg-type] # its hint means tuples of one
        connection = self._take()
        try:
            connection.send_packed_command((packed,))
            self._wait(connection)
            answer = connection.read_response()
        except ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            self._drop(connection)
            raise
        self._idle.append(connection)
        return answer

    def ask_all(self, batch: Sequence[Sequence[Word]]) -> list[Any]:
        """Run commands in one round trip and return their answers, errors among them.

        Raises:
            redis.RedisError: they did not come.
            UnicodeEncodeError: as in `ask`.
        """
        packed = b"".join(pack_command(tuple(words)) for words in batch)  # type: ignore[arg-type] # as above
        connection = self._take()
        try:
            connection.send_packed_command((packed,))
            self._wait(connection)
            answers = [_read(connection) for _ in batch]
        except BaseException:
            self._drop(connection)
            raise
        self._idle.append(connection)
        return answers

    def _take(self) -> Any:
        """Return a connection that is open, as far as can be told, and owes no answer."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.pid != os.getpid():
                continue  # it is the parent's
            if self._pool.owns_connection(connection) and _is_ready(connection):
                return connection
            self._drop(connection)
        return self._pool.get_connection()

    def _drop(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)

    def _wait(self, connection: Any) -> None:
        """Wait awake for an answer that is about to come.

        Where that is in vain, because Redis is far away or needs this very processor, the next ones are waited for
        asleep: first one, then three, then seven. So little is lost, whatever the machine.
        """
        if self._asleep:
            self._asleep -= 1
            return
        end = time.perf_counter() + AWAKE
        while time.perf_counter() < end:
            if connection.can_read():
                self._next_asleep = 0
                return
        self._next_asleep = min(2 * self._next_asleep + 1, MOST_ASLEEP)
        self._asleep = self._next_asleep


def _is_ready(connection: Any) -> bool:
    try:
        return not connection.can_read()
    except RedisError:  # closed, by Redis or by `pool.disconnect()`
        return False


def _read(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
