"""A Redis that runs already: a server, one that Sentinels know, or a cluster."""

from __future__ import annotations

import redis

from session_store import Config as StoreConfig
from session_store import ConfigurationError, Store, StoreUnavailable

from .errors import DemoError


class Theirs:
    """The one that ``WIKI_REDIS_URL`` names; it is used and left running.

    Raises:
        DemoError: it is no URL of a Redis.
    """

    starts = ""
    program = "redis"

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._store = Store(StoreConfig(redis_url=url, redis_timeout=1), pause=0)
        except ConfigurationError as error:
            raise DemoError(str(error)) from None

    def check(self) -> None:
        """Make sure that it answers.

        Raises:
            DemoError: it doesn't.
        """
        if not self.answers():
            raise DemoError(f"No Redis answers at {self._name}, which WIKI_REDIS_URL names. Start it, or unset it.")

    def prepare(self) -> None:
        """It needs nothing of ours."""

    def environment(self) -> dict[str, str]:
        """Return nothing: no program is started for it."""
        return {"DEMO_REDIS_PROGRAMS": ""}

    def answers(self) -> bool:
        """Whether it does."""
        try:
            return bool(self._store.link.primaries()[0].redis.ping())
        except (redis.RedisError, StoreUnavailable):
            return False

    def describe(self) -> str:
        """Return where it is, without credentials."""
        return f"{self._name} (yours)"

    def news(self) -> list[str]:
        """It has its own log."""
        return []

    @property
    def _name(self) -> str:
        return self._store.config.address.name
