"""What Redis says of itself, as far as it may be asked."""

from __future__ import annotations

from typing import Any

import redis
from redis.exceptions import ResponseError


def read_info(server: redis.Redis) -> dict[str, Any]:
    """Return the answer to INFO; nothing where that is forbidden, as by some who manage a Redis for others.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    try:
        info: dict[str, Any] = server.info()
    except ResponseError:
        return {}
    return info
