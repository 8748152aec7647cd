"""The alternative that Redis offers: redis-py's keyspace notifications alone, and whoever listens."""

from __future__ import annotations

import time

from session_store import Config
from session_store.connections import client
from tests.servers import RedisServer

from .filling import now_ms
from .sizes import Scale

#: Seconds after the last deadline for which somebody still listens.
AFTER = 10.0


def events_heard(server: RedisServer, scale: Scale) -> tuple[list[float], float]:
    """Return how late each expiry was heard of, in ms, and what share was not heard of."""
    redis = client(Config(redis_url=server.url, redis_timeout=60))
    redis.config_set("notify-keyspace-events", "Kx")
    count = int(scale.ends * scale.seconds / 2)
    begin = now_ms() + 1_000 + count // 10
    late: list[float] = []
    notifications = redis.keyspace_notifications()
    try:
        notifications.subscribe_keyspace("bare:*")
        for first in range(0, count, 1000):
            with redis.pipeline(transaction=False) as pipe:
                for number in range(first, min(first + 1000, count)):
                    deadline = begin + number * 1000 // scale.ends
                    pipe.set(f"bare:{deadline}:{number}", "", pxat=deadline)
                pipe.execute()
        patience = min(AFTER, scale.seconds * 2 / 3)
        end = time.monotonic() + (begin - now_ms() + count * 1000 / scale.ends) / 1000 + patience
        while len(late) < count and time.monotonic() < end:
            heard = notifications.get_message(timeout=0.1)
            if heard is not None and heard.key.startswith("bare:"):
                late.append(time.time() * 1000 - int(heard.key.split(":")[1]))
    finally:
        notifications.close()
    return late, 1 - len(late) / count
