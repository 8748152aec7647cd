"""Tells Redis, and so ``wiki-worker status``, that this worker lives and what it last did."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence

from session_store import Store, verbs

from .health import Health
from .rank import Rank, pace

#: Seconds between two beats.
EVERY = 5.0

#: Milliseconds after which a worker that is silent is forgotten.
FORGOTTEN = 3_600_000


class Heartbeat:
    """Beats.

    Args:
        store: the sessions.
        name: this worker's.
        health: what it says of itself.
        ranks: who comes first in no lane beats less often.
    """

    name = "heartbeat"

    def __init__(self, *, store: Store, name: str, health: Health, ranks: Sequence[Rank] = ()) -> None:
        self._store = store
        self._name = name
        self._health = health
        self._ranks = ranks

    def step(self) -> float:
        """Beat once."""
        words = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "role": "standby" if self._health.standby else "writer",
            "ready": all(verdict.holds for verdict in self._health.readiness()),
            "did": self._health.did,
        }
        # The workers' own hash is in the first shard, whatever shards there are.
        self._store.run(verbs.heartbeat(self._store.keys.shards[0], self._name, json.dumps(words), FORGOTTEN))
        return pace(EVERY, self._ranks)

    def reset(self) -> None:
        """Nothing is kept between two steps."""
