"""A slot on the move from one primary to another, live, step by step, so that a test can act in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from demo.cluster.topology import id_of

#: Milliseconds for the keys of one step.
PATIENCE = 10_000


class SlotMove:
    """The steps in which `redis-cli --cluster reshard` moves a slot; `finish` after `begin` does them all.

    Between `begin` and `finish` the source answers for the keys that it still has, sends who asks for one that
    has gone on with ASK, and refuses a command whose keys are on both sides with TRYAGAIN.
    """

    def __init__(self, slot: int, source: redis.Redis, target: redis.Redis, others: Sequence[redis.Redis] = ()) -> None:
        """Prepare a move.

        Args:
            slot: what moves.
            source: a client of the primary that has it.
            target: a client of the primary that gets it.
            others: clients of the other primaries, which are told in the end; they would hear of it anyway.
        """
        self.slot = slot
        self._source, self._target, self._others = source, target, others

    def begin(self) -> None:
        """Let both sides know; keys that are made from now on are made at the target."""
        self._set(self._target, "IMPORTING", id_of(self._source))
        self._set(self._source, "MIGRATING", id_of(self._target))

    def carry(self, *keys: str) -> None:
        """Take some keys over."""
        place = self._target.get_connection_kwargs()
        words: list[Any] = [*_credentials(place), "KEYS", *keys]
        self._source.execute_command("MIGRATE", place["host"], place["port"], "", 0, PATIENCE, *words)

    def keys(self, count: int = 100) -> list[str]:
        """Return some of the keys that the source still has."""
        found: list[str] = self._source.execute_command("CLUSTER GETKEYSINSLOT", self.slot, count)
        return found

    def finish(self) -> None:
        """Take over all keys that are left, and give the slot to the target."""
        while keys := self.keys():
            self.carry(*keys)
        to = id_of(self._target)
        for node in (self._target, self._source, *self._others):
            self._set(node, "NODE", to)

    def stop(self) -> None:
        """Leave it half way: what was carried is out of reach until it begins again and is finished."""
        for node in (self._target, self._source):
            self._set(node, "STABLE")

    def _set(self, node: redis.Redis, *words: str) -> None:
        node.execute_command("CLUSTER SETSLOT", self.slot, *words)


def _credentials(place: dict[str, Any]) -> list[str]:
    """Return how MIGRATE logs in at the target."""
    user, password = place.get("username"), place.get("password")
    if user:
        return ["AUTH2", user, password]
    return ["AUTH", password] if password else []
