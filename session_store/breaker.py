"""A pause after a time-out, so that a hung Redis does not fill a web server with waiting."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError

from .config import Config
from .errors import StoreUnavailable
from .scripts import Request
from .throttle import Throttle
from .trouble import unavailable

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)

#: Seconds for which nothing is tried after a time-out.
PAUSE = 1.0


#: Errors that it may have taken long to find: one time-out, or one a Sentinel.
SLOW = (redis.TimeoutError, MasterNotFoundError, AsyncMasterNotFoundError)


class Breaker:
    """Says whether Redis is worth asking, and words what went wrong.

    Args:
        config: which Redis.
        pause: seconds for which nothing is tried after a time-out.
    """

    def __init__(self, config: Config, *, pause: float = PAUSE) -> None:
        self._config = config
        self._server = config.address.name
        self._pause = pause
        self._open_until: dict[str, float] = {}

    def check(self, node: str = "") -> None:
        """Raise `StoreUnavailable` while Redis, or a node of a cluster, did not answer a moment ago."""
        until = self._open_until.get(node)
        if until is not None and time.monotonic() < until:
            raise StoreUnavailable(node or self._server, "did not answer a moment ago; waiting to retry")

    def unavailable(self, error: Exception, node: str = "", *, slow: bool = False) -> StoreUnavailable:
        """Return what to raise for an error of redis-py; after a time-out the pause begins, for that node alone.

        Args:
            error: what redis-py has raised.
            node: which node of a cluster it was; empty: all of Redis.
            slow: whether it may have taken long to find that out, whatever the error is.
        """
        if slow or isinstance(error, SLOW):
            self._open_until = {**self._still_open(), node: time.monotonic() + self._pause}
        return unavailable(self._config, error, node)

    def refuse(self, answer: Any) -> None:
        """Raise `StoreUnavailable` where an answer is an error."""
        if isinstance(answer, StoreUnavailable):
            raise answer
        if isinstance(answer, RedisError):
            raise self.unavailable(answer) from answer

    def read(self, request: Request[Any], answer: Any) -> Any:
        """Read an answer; one that makes no sense is none. An error is one to an optional request only."""
        if isinstance(answer, (RedisError, StoreUnavailable)):
            if _throttle.allows("optional"):
                said = unavailable(self._config, answer) if isinstance(answer, RedisError) else answer
                _log.warning("%s; what was asked beside that goes on", said)
            return None
        try:
            return request.parse(answer)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise StoreUnavailable(self._server, "its answer makes no sense; is that a Redis?") from error

    def _still_open(self) -> dict[str, float]:
        now = time.monotonic()
        return {node: until for node, until in self._open_until.items() if until > now}
