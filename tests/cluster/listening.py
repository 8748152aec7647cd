"""What clients and scripts send to servers, and the slots of the keys in it."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from .servers import slot_of

#: A word of a line of MONITOR, with what stands for bytes that can't stand for themselves.
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')

#: What the last line that is listened to says.
_ENOUGH = b"that is enough"


@dataclass
class Heard:
    """A command that a server was sent, and what it called if it is a script.

    Attributes:
        words: the command.
        inner: the commands that the script called.
        keys: all keys of all of these.
    """

    words: list[bytes]
    inner: list[list[bytes]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def slots(self) -> set[int]:
        """The slots of its keys."""
        return {slot_of(key) for key in self.keys}


@contextmanager
def listening(servers: Sequence[redis.Redis]) -> Iterator[list[Heard]]:
    """Listen to servers; the list is filled in when the context ends, server by server, each in order."""
    heard: list[Heard] = []
    lines: list[list[bytes]] = [[] for _ in servers]
    with ExitStack() as stack:
        threads = []
        for server, found in zip(servers, lines, strict=True):
            monitor = stack.enter_context(server.monitor())
            threads.append(threading.Thread(target=_collect, args=(monitor.connection, found)))
            threads[-1].start()
        try:
            yield heard
        finally:
            for server in servers:
                server.echo(_ENOUGH)
            for thread in threads:
                thread.join(30)
    for server, found in zip(servers, lines, strict=True):
        heard += [_with_keys(server, each) for each in _commands(found)]


def _collect(connection: Any, lines: list[bytes]) -> None:
    while not lines or _ENOUGH not in lines[-1]:
        lines.append(connection.read_response(disable_decoding=True))


def _commands(lines: Sequence[bytes]) -> Iterator[Heard]:
    """Put together what scripts have called: a script stands before that."""
    command = None
    for line in lines[:-1]:
        words = [codecs.escape_decode(word)[0] for word in _WORD.findall(line)]
        if re.match(rb"[\d.]+ \[\d+ lua\]", line):
            assert command, line
            command.inner.append(words)
        else:
            if command:
                yield command
            command = Heard(words)
    if command:
        yield command


def _with_keys(server: redis.Redis, heard: Heard) -> Heard:
    for words in (heard.words, *heard.inner):
        try:
            heard.keys.update(server.execute_command("COMMAND GETKEYS", *words))
        except redis.ResponseError as error:
            if "no key arguments" not in str(error):
                raise
    return heard
