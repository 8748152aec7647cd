"""Sees to it that every server tells of expired and evicted keys."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from session_store import Config
from session_store.link import Node

from .flags import SETTING, Flags, ensure_flags, read_flags
from .health import Health

_log = logging.getLogger(__name__)


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
        self._known: dict[str, Flags] = {}

    def look_after(self, node: Node, *, anew: bool = False) -> bool:
        """Set what a server lacks, where that is allowed; return whether it was right before. Any thread may call this.

        Args:
            node: the server.
            anew: ask it though it has forbidden that before.

        Raises:
            StoreUnavailable: it did not answer.
        """
        before = self._known.get(node.name)
        if before is not None and before.now is None and not anew:
            return False
        flags = read_flags(node.redis, self._config)
        taken = before is not None and before.right and flags.now is not None and not flags.right
        if taken:
            _log.warning("somebody has taken %s back at %s; it is set again where that is allowed", SETTING, node.name)
        if not flags.right:
            flags = ensure_flags(node.redis, self._config, may_set=self._may_set)
        if flags.missing and flags != before:
            _log.warning(
                "Redis at %s may not tell of ended sessions; deadlines and reconciling go on. %s",
                node.name,
                flags.remedy,
            )
        self._note({**self._known, node.name: flags})
        return taken

    def keep(self, names: Iterable[str]) -> None:
        """Forget all servers but these."""
        self._note({name: self._known[name] for name in names if name in self._known})

    def _note(self, known: dict[str, Flags]) -> None:
        with self._lock:
            self._known = known
            lacking = [
                (name, flags.missing) for name, flags in known.items() if flags.now is not None and flags.missing
            ]
            if lacking:
                name, missing = lacking[0]
                self._health.flags_missing = f"{missing} at {name}"
            else:
                self._health.flags_missing = "" if all(flags.right for flags in known.values()) else None
