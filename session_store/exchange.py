"""Commands and their answers, over connections of redis-py's pool, with less in between than its client has.

What that does for each command (its pool's bookkeeping, retries, metrics) takes 20 µs, as much as Redis and the system
take together. What a connection does itself stays redis-py's: to connect wherever the server is or Sentinels say, with
or without TLS, to log in, to time out, to read answers.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from hiredis import pack_command
from redis.exceptions import RedisError, ResponseError

from .link import Word, read_answer

#: Seconds for which an answer is waited for awake: nine of ten answers of a Redis on the same machine come within them.
#: To fall asleep and be woken up takes longer than such a Redis needs to answer.
AWAKE = 0.000_1

#: Answers that are waited for asleep, at most, before waiting awake is tried again.
MOST_ASLEEP = 63


class Line:
    """A connection, and a quick way to see whether there is anything to read on it, be it that it was closed.

    redis-py's own, ``can_read``, takes five times as long, and is asked several times for each command.
    """

    __slots__ = ("_socket", "connection", "look")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._socket = getattr(connection, "_sock", None)
        self.look: Callable[[int], Any] = connection.can_read
        if self._socket is not None and hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            self.look = poll.poll

    def is_ready(self) -> bool:
        """Whether it is open, as far as can be told, and nothing is left to read."""
        try:
            return getattr(self.connection, "_sock", None) is self._socket and not self.look(0)
        except RedisError:
            return False


class Exchange:
    """Commands to one server, for any thread, and after a fork.

    A connection serves again only when its answer has been read to the end: else the next one to ask would get what was
    meant for somebody else.

    Args:
        pool: whose connections are borrowed, and kept; ``pool.disconnect()`` closes these too.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._idle: list[Line] = []
        self._asleep = 0
        self._next_asleep = 0

    def ask(self, words: Sequence[Word]) -> Any:
        """Run a command and return the answer, as Redis gives it.

        Raises:
            redis.RedisError: it was an error, or did not come.
            UnicodeEncodeError: a word can't be sent as UTF-8; nothing was sent.
        """
        packed = pack_command(tuple(words))  # type: ignore[arg-type] # its hint means tuples of one
        line = self._take()
        try:
            line.connection.send_packed_command((packed,))
            self._wait(line)
            answer = line.connection.read_response()
        except ResponseError:
            self._idle.append(line)
            raise
        except BaseException:
            self._drop(line.connection)
            raise
        self._idle.append(line)
        return answer

    def ask_all(self, batch: Sequence[Sequence[Word]]) -> list[Any]:
        """Run commands in one round trip and return their answers, errors among them.

        Raises:
            redis.RedisError: they did not come.
            UnicodeEncodeError: as in `ask`.
        """
        packed = b"".join(pack_command(tuple(words)) for words in batch)  # type: ignore[arg-type] # as above
        line = self._take()
        try:
            line.connection.send_packed_command((packed,))
            self._wait(line)
            answers = [read_answer(line.connection) for _ in batch]
        except BaseException:
            self._drop(line.connection)
            raise
        self._idle.append(line)
        return answers

    def _take(self) -> Line:
        """Return a line that is open, as far as can be told, and owes no answer."""
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if line.connection.pid != os.getpid():
                continue  # it is the parent's
            if self._pool.owns_connection(line.connection) and line.is_ready():
                return line
            self._drop(line.connection)
        return Line(self._pool.get_connection())

    def _drop(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)

    def _wait(self, line: Line) -> None:
        """Wait awake for an answer that is about to come.

        Where that is in vain, because Redis is far away or needs this very processor, the next ones are waited for
        asleep: first one, then three, then seven. So little is lost, whatever the machine.
        """
        if self._asleep > 0:  # threads that meet here may count it down twice
            self._asleep -= 1
            return
        end = 0.0
        while not line.look(0):
            now = time.perf_counter()
            end = end or now + AWAKE
            if now > end:
                self._next_asleep = min(2 * self._next_asleep + 1, MOST_ASLEEP)
                self._asleep = self._next_asleep
                return
        self._next_asleep = 0
