"""Sees to it that every server tells of expired and evicted keys."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from redis.exceptions import RedisError
from redis.sentinel import SentinelConnectionPool

from session_store import Config
from session_store.link import Node
from session_store.trouble import unavailable

from .flags import SETTING, Flags, ensure_flags, read_flags
from .health import Health
from .info import read_info

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """What is known of a server.

    Attributes:
        flags: what it was set to.
        place: host and port; behind Sentinels another server may have its name.
        run: what it calls itself since it was started; empty where it doesn't say.
    """

    flags: Flags
    place: str
    run: str


class FlagsKeeper:
    """Knows what each server is set to: a cluster's nodes have settings of their own, replicas that take over too.

    Args:
        config: which Redis.
        may_set: whether it may set ``notify-keyspace-events``.
        health: where it says what is missing.
    """

    def __init__(self, *, config: Config, may_set: bool, health: Health) -> None:
        self._config = config
        self._may_set = may_set
        self._health = health
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}

    def look_after(self, node: Node, *, anew: bool = False) -> bool:
        """Set what a server lacks, where that is allowed; return whether it was right before. Any thread may call this.

        Args:
            node: the server.
            anew: ask it though it has forbidden that before, and who it is.

        Raises:
            StoreUnavailable: it did not answer.
        """
        before = self._known.get(node.name)
        if before is not None and before.flags.now is None and not anew:
            return False
        flags = read_flags(node.redis, self._config)
        gone = before is not None and before.flags.right and flags.now is not None and not flags.right
        known = self._ask(node, flags) if before is None or anew or gone else replace(before, flags=flags)
        if before and gone:
            _tell(before, known)
        if not flags.right:
            known = replace(known, flags=ensure_flags(node.redis, self._config, may_set=self._may_set))
        if known.flags.missing and known != before:
            _log.warning(
                "Redis at %s may not tell of ended sessions; deadlines and reconciling go on. %s",
                known.place,
                known.flags.remedy,
            )
        self._note({**self._known, node.name: known})
        return gone

    def keep(self, names: Iterable[str]) -> None:
        """Forget all servers but these."""
        self._note({name: self._known[name] for name in names if name in self._known})

    def _ask(self, node: Node, flags: Flags) -> Known:
        try:
            run = str(read_info(node.redis).get("run_id", ""))
        except RedisError as error:
            raise unavailable(self._config, error, node.name) from error
        return Known(flags, _place_of(node), run)

    def _note(self, known: dict[str, Known]) -> None:
        with self._lock:
            self._known = known
            lacking = [one for one in known.values() if one.flags.now is not None and one.flags.missing]
            if lacking:
                self._health.flags_missing = f"{lacking[0].flags.missing} at {lacking[0].place}"
            else:
                self._health.flags_missing = "" if all(one.flags.right for one in known.values()) else None


def _tell(before: Known, now: Known) -> None:
    """Say of flags that are gone why."""
    if (before.place, before.run) == (now.place, now.run):
        _log.warning("somebody has taken %s back at %s; it is set again where that is allowed", SETTING, now.place)
    else:
        _log.info(
            "Redis at %s is another server than before, or was started anew; %s is set where that is allowed",
            now.place,
            SETTING,
        )


def _place_of(node: Node) -> str:
    pool = node.redis.connection_pool
    if isinstance(pool, SentinelConnectionPool) and pool.master_address:
        host, port = pool.master_address
        return f"{host}:{port}"
    return node.name
