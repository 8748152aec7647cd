"""A pause after a time-out, so that a hung Redis does not fill a web server with waiting."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from redis.exceptions import RedisError

from .config import Config
from .errors import StoreUnavailable
from .scripts import Request
from .throttle import Throttle
from .trouble import unavailable

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)

#: Seconds for which nothing is tried after a time-out.
PAUSE = 1.0


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
        self._open_until = 0.0

    def check(self) -> None:
        """Raise `StoreUnavailable` while Redis did not answer a moment ago."""
        if time.monotonic() < self._open_until:
            raise StoreUnavailable(self._server, "did not answer a moment ago; waiting to retry")

    def unavailable(self, error: RedisError) -> StoreUnavailable:
        """Return what to raise for an error of redis-py; after a time-out the pause begins."""
        if isinstance(error, redis.TimeoutError):
            self._open_until = time.monotonic() + self._pause
        return unavailable(self._config, error)

    def read(self, request: Request[Any], answer: Any) -> Any:
        """Read an answer; one that makes no sense is none. An error is one to an optional request only."""
        if isinstance(answer, RedisError):
            if _throttle.allows("optional"):
                _log.warning("%s; what was asked beside that goes on", unavailable(self._config, answer))
            return None
        try:
            return request.parse(answer)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise StoreUnavailable(self._server, "its answer makes no sense; is that a Redis?") from error
