"""How a store's commands reach Redis: one server, or a cluster, where each goes to the node that has its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import redis
from redis.exceptions import AskError, TryAgainError

from .scripts import Request

#: Errors that say that a server can't be reached.
LOST = (redis.ConnectionError, redis.TimeoutError)

#: Answers that say that the command is to go elsewhere, or to come again. A MOVED is a kind of ASK to redis-py.
ELSEWHERE = (AskError, TryAgainError)

#: Seconds for which a command waits until it is known which node of a cluster has what now.
MOMENT = 0.1

#: Seconds from one look for who has what to the next: whoever misses a node waits for them, not all clients for each
#: of their commands; the nodes that are left have enough to do.
LOOK_EVERY = 0.25

#: A word of a command.
Word = str | bytes | int | float


@dataclass(frozen=True)
class Node:
    """A server that takes writes: the only one, or one of a cluster's primaries.

    Attributes:
        name: host and port, or the socket's path.
        redis: a client for it.
    """

    name: str
    redis: redis.Redis


class Link(Protocol):
    """What a store sends commands through. Any method may raise `StoreUnavailable`."""

    def command(self, words: Sequence[Word], key: Word) -> Any:
        """Run a command where its key is; what Redis doesn't know a script for is a NoScriptError."""

    def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands in one round trip, one after the other where they go to one node; errors are answers."""

    def primaries(self) -> list[Node]:
        """Return every server that takes writes."""

    def node_of(self, key: str) -> Node:
        """Return the server that has a key."""

    def refresh(self) -> None:
        """Look again which server has what: something has changed."""


def raw(word: Word) -> bytes | int | float:
    """Return a word as Redis is to get it: names found there may be any bytes."""
    return word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word


def raw_words(words: Sequence[Word]) -> list[Word]:
    """Return a command's words as Redis is to get them; redis-py wants the first one as a text."""
    return [words[0], *map(raw, words[1:])]


def key_of(words: Sequence[Word]) -> Word:
    """Return the key of a command's words, or nothing where it has none."""
    place = 3 if words[0] in {"EVALSHA", "EVAL"} else 1
    return words[place] if len(words) > place else ""


def send(pool: redis.ConnectionPool, batch: Sequence[Sequence[Word]]) -> Any:
    """Send commands on a connection of a pool, and return that; `receive` is to follow.

    Raises:
        redis.RedisError: that did not go well.
    """
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands([[*map(raw, words)] for words in batch]))
    except BaseException:
        connection.disconnect()
        pool.release(connection)
        raise
    return connection


def receive(pool: redis.ConnectionPool, connection: Any, count: int, *, wait: float) -> list[Any]:
    """Return the answers to what was sent, errors among them, and give the connection back.

    Args:
        pool: whose connection it is.
        connection: what `send` has returned.
        count: how many answers.
        wait: seconds within which the first must begin.

    Raises:
        redis.RedisError: they did not come.
    """
    done = False
    try:
        if not connection.can_read(timeout=max(0.0, wait)):
            raise redis.TimeoutError("Timeout reading from socket")
        answers = [read_answer(connection) for _ in range(count)]
        done = True
    finally:
        if not done:
            connection.disconnect()  # or the next one would read what was meant for this one
        pool.release(connection)
    return answers


def read_answer(connection: Any) -> Any:
    """Return the next answer on a connection; an error of Redis' own is one.

    Raises:
        redis.RedisError: it did not come.
    """
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
