"""A Redis server of the demo's own."""

from __future__ import annotations

from contextlib import suppress

import redis

from .config import Config
from .ports import HOST, check_free


class OneServer:
    """A server on the loopback interface that keeps what it holds in the demo's directory."""

    starts = "Redis"
    program = "redis"

    def __init__(self, config: Config) -> None:
        self._directory = config.var / "redis"
        self._port = config.redis_port
        self.url = f"redis://{HOST}:{self._port}/0"

    def check(self) -> None:
        """Make sure that its port is free.

        Raises:
            DemoError: it isn't.
        """
        check_free(self._port, "REDIS_PORT")

    def prepare(self) -> None:
        """Make its directory."""
        self._directory.mkdir(exist_ok=True, mode=0o700)

    def environment(self) -> dict[str, str]:
        """Return which program it is, and its port."""
        return {"DEMO_REDIS_PROGRAMS": "redis.conf", "REDIS_PORT": str(self._port)}

    def answers(self) -> bool:
        """Whether it does."""
        with (
            suppress(redis.RedisError),
            redis.Redis(host=HOST, port=self._port, socket_timeout=1, socket_connect_timeout=1) as client,
        ):
            return bool(client.ping())
        return False

    def describe(self) -> str:
        """Return where it is."""
        return f"{HOST}:{self._port}"

    def news(self) -> list[str]:
        """It has its own log."""
        return []
