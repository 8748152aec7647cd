"""Watches what Redis counts, for signs that something was missed, and what is piling up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redis.exceptions import RedisError

from session_store import Store, StoreUnavailable, verbs
from session_store.keys import ShardKeys
from session_store.link import Node
from session_store.trouble import unavailable

from .absences import Absences
from .flags_keeper import FlagsKeeper
from .gap import OnGap
from .health import Health
from .info import read_info
from .rank import Rank, pace

#: Seconds between two looks.
EVERY = 6.0

#: The same while a server is away and others are looked after.
AGAIN = 1.0


class Monitor:
    """Notices restarts, evictions, flags that were taken away, and a backlog; at each server that takes writes.

    Args:
        store: the sessions.
        health: where backlog and live sessions are noted.
        flags: looks after the servers' flags; None: nobody listens.
        on_gap: called when something may have been missed.
        ranks: who comes first in no lane looks less often.
        on_shards: told in how many shards there may be sessions.
        absences: told of servers that are away while others are looked after.
    """

    name = "monitor"

    def __init__(
        self,
        *,
        store: Store,
        health: Health,
        flags: FlagsKeeper | None,
        on_gap: OnGap,
        ranks: Sequence[Rank] = (),
        on_shards: Callable[[int], None] = lambda _: None,
        absences: Absences | None = None,
    ) -> None:
        self._store = store
        self._health = health
        self._flags = flags
        self._on_gap = on_gap
        self._ranks = ranks
        self._on_shards = on_shards
        self._counters: dict[str, tuple[str, int]] = {}
        self._shards: dict[ShardKeys, tuple[int, int]] = {}
        self._absences = absences or Absences()
        self._away: set[str] = set()

    def step(self) -> float:
        """Look once, and pass over a server that is away, unless all are."""
        self._store.learn()
        self._on_shards(len(self._store.keys.shards))
        nodes = self._store.link.primaries()
        if self._flags:
            self._flags.keep([node.name for node in nodes])
        away: dict[str, StoreUnavailable] = {}
        for node in nodes:
            try:
                self._look_at(node)
            except StoreUnavailable as error:
                away[node.name] = error
            # Each that is away takes a while; that is no reason to be taken for stuck.
            self._health.tick(self.name, away=self.name in self._health.away)
        self._note_away(away)
        if len(away) == len(nodes):
            raise next(iter(away.values()))
        self._health.live = sum(live for live, _ in self._shards.values())
        self._health.backlog = sum(backlog for _, backlog in self._shards.values())
        return AGAIN if away else pace(EVERY, self._ranks)

    def reset(self) -> None:
        """What was counted before counts still: a restart of Redis shows by its run id."""

    def _look_at(self, node: Node) -> None:
        try:
            info = read_info(node.redis)
        except RedisError as error:
            raise unavailable(self._store.config, error, node.name) from error
        self._look_at_counters(node.name, info)
        if self._flags and self._flags.look_after(node):
            self._on_gap("flags that were taken away", node=node.name)
        shards = [keys for keys in self._store.keys.shards if self._store.link.node_of(keys.sessions).name == node.name]
        self._shards.update(zip(shards, self._store.run_all(list(map(verbs.tally, shards))), strict=True))

    def _look_at_counters(self, name: str, info: dict[str, object]) -> None:
        run, evicted = str(info.get("run_id", "")), int(str(info.get("evicted_keys", 0)))
        run_before, evicted_before = self._counters.get(name, (run, evicted))
        self._counters[name] = run, evicted
        if run != run_before:
            gone = info.get("rdb_last_load_keys_expired", 0)
            self._on_gap(f"a restart of Redis, which dropped {gone} expired keys as it loaded", node=name)
        elif evicted > evicted_before:
            self._on_gap("evictions", node=name)

    def _note_away(self, away: dict[str, StoreUnavailable]) -> None:
        for name in away.keys() - self._away:
            self._absences.begin(f"{self.name} of {name}", away[name])
        for name in self._away - away.keys():
            self._absences.end(f"{self.name} of {name}")
        self._away = set(away)
