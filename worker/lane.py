"""Shards that one command may name, and what the roles that wait for them share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from session_store import Store
from session_store.keys import ShardKeys

from .rank import Rank
from .recent import Recent
from .soon import Soon


@dataclass(frozen=True, eq=False)
class Lane:
    """All shards of one server, or one shard of a cluster. Each has roles of its own, so that none waits for another.

    Attributes:
        shards: the shards' keys.
        label: what follows its roles' names, where there are several lanes.
        soon: what its auditor tells its sweeper of sessions that begin.
        recent: what its sweeper has found due and ends itself.
        behind: set while more is due in it than can be ended at once.
        rank: whether this worker comes first in it.
    """

    shards: tuple[ShardKeys, ...]
    label: str = ""
    soon: Soon = field(default_factory=Soon)
    recent: Recent = field(default_factory=Recent)
    behind: threading.Event = field(default_factory=threading.Event)
    rank: Rank = field(default_factory=Rank)


def lanes_of(store: Store) -> tuple[Lane, ...]:
    """Return the lanes of a store."""
    several = len(store.lanes) > 1
    return tuple(Lane(shards, f" {shards[0].number}" if several else "") for shards in store.lanes)
