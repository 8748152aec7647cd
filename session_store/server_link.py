"""A link to one server: the only one, or the primary that the Sentinels name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from .breaker import Breaker
from .config import Config
from .connections import client, exchange
from .link import Node, Word, raw_words
from .scripts import Request


class ServerLink:
    """Sends everything to one server, whichever that is just now.

    Args:
        config: which Redis.
        breaker: says whether it is worth asking.
    """

    def __init__(self, config: Config, breaker: Breaker) -> None:
        self._redis = client(config)
        self._exchange = exchange(config)
        self._breaker = breaker
        self._name = config.address.name

    def command(self, words: Sequence[Word], key: Word) -> Any:  # noqa: ARG002 - there is one server
        """Run a command."""
        self._breaker.check()
        try:
            answer = self._exchange.ask(words)
        except UnicodeEncodeError:
            # Names found in Redis may be any bytes; hiredis doesn't know surrogateescape.
            return self.command(raw_words(words), "")
        except NoScriptError:
            raise
        except RedisError as error:
            raise self._breaker.unavailable(error) from error
        return answer if words[0] == "EVALSHA" else self._read(words[0], answer)

    def pipeline(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run commands in one round trip."""
        self._breaker.check()
        batch = [raw_words(request.words) for request in requests]
        try:
            answers = self._exchange.ask_all(batch)
        except RedisError as error:
            raise self._breaker.unavailable(error) from error
        return [self._read(words[0], answer) for words, answer in zip(batch, answers, strict=True)]

    def primaries(self) -> list[Node]:
        """Return it."""
        return [self.node_of("")]

    def node_of(self, key: str) -> Node:  # noqa: ARG002 - there is one server
        """Return it."""
        return Node(self._name, self._redis)

    def refresh(self) -> None:
        """Nothing is remembered: redis-py asks the Sentinels for each new connection."""

    def _read(self, name: Word, answer: Any) -> Any:
        """Return an answer as redis-py's client would."""
        read = None if isinstance(answer, RedisError) else self._redis.response_callbacks.get(name)
        return read(answer) if read else answer
