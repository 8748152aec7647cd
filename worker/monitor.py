"""Watches what Redis counts, for signs that something was missed, and what is piling up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError

from session_store import Store
from session_store.connections import client
from session_store.trouble import unavailable

from .flags import read_flags
from .health import Health
from .info import read_info

#: Seconds between two looks.
EVERY = 5.0

_log = logging.getLogger(__name__)


class Monitor:
    """Notices restarts, evictions, flags that were taken away, and a backlog.

    Args:
        store: the sessions.
        health: where backlog and live sessions are noted.
        on_gap: called when something may have been missed.
        on_flags: called when flags were taken away.
    """

    name = "monitor"

    def __init__(
        self, *, store: Store, health: Health, on_gap: Callable[[str], None], on_flags: Callable[[], None]
    ) -> None:
        self._store = store
        self._health = health
        self._on_gap = on_gap
        self._on_flags = on_flags
        self._redis = client(store.config)
        self._run: str | None = None
        self._evicted = 0

    def step(self) -> float:
        """Look once."""
        try:
            info = read_info(self._redis)
        except RedisError as error:
            raise unavailable(self._store.config, error) from error
        self._look_at_counters(info)
        if self._health.flags_missing == "" and read_flags(self._redis, self._store.config).missing:
            _log.warning("somebody has taken notify-keyspace-events back; setting it again where that is allowed")
            self._on_flags()
        self._health.live = self._store.count()
        self._health.backlog = sum(int(self._store.command("XLEN", keys.audit)) for keys in self._store.keys.shards)
        return EVERY

    def reset(self) -> None:
        """What was counted before counts still: a restart of Redis shows by its run id."""

    def _look_at_counters(self, info: dict[str, Any]) -> None:
        run, evicted = str(info.get("run_id", "")), int(info.get("evicted_keys", 0))
        if self._run is not None and run != self._run:
            gone = int(info.get("rdb_last_load_keys_expired", 0))
            self._on_gap(f"a restart of Redis, which dropped {gone} expired keys as it loaded")
        elif evicted > self._evicted:
            self._on_gap("evictions")
        self._run, self._evicted = run, evicted
