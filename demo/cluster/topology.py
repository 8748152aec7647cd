"""What a node of a cluster says of itself and of the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis


@dataclass(frozen=True, slots=True)
class Member:
    """A node as one node sees it.

    Attributes:
        id: its name in the cluster.
        primary: the id of the one that it follows; a primary's is ``-``.
        flags: what it is and how it fares: `master` or `slave`, `myself`, `fail?`, `fail`, `handshake`, …
        epoch: of two who claim a slot, the one with the higher has it.
        slots: what it has, as ranges; those on the move count as the source's.
    """

    id: str
    primary: str
    flags: frozenset[str]
    epoch: int
    slots: tuple[range, ...]

    def has(self, slot: int) -> bool:
        """Whether a slot is its own."""
        return any(slot in part for part in self.slots)

    @classmethod
    def of(cls, line: dict[str, Any]) -> Member:
        """Return what redis-py has read of a line of CLUSTER NODES."""
        slots = tuple(range(int(part[0]), int(part[-1]) + 1) for part in line["slots"])
        return cls(line["node_id"], line["master_id"], frozenset(line["flags"].split(",")), int(line["epoch"]), slots)


def members(node: redis.Redis) -> list[Member]:
    """Return all that a node knows, itself included."""
    return [Member.of(line) for line in node.cluster("NODES").values()]


def itself(node: redis.Redis) -> Member:
    """Return what a node says of itself."""
    return next(member for member in members(node) if "myself" in member.flags)


def id_of(node: redis.Redis) -> str:
    """Return the name that a node has in its cluster."""
    return itself(node).id


def knows(node: redis.Redis, names: Iterable[str]) -> bool:
    """Whether a node has shaken hands with all of these; before, it calls them by made-up names."""
    return {member.id for member in members(node)} >= set(names)


def agree(nodes: Iterable[redis.Redis]) -> bool:
    """Whether all nodes say the same of who has which slots."""
    return len({frozenset((seen.id, seen.slots) for seen in members(node) if seen.slots) for node in nodes}) == 1


def ready(node: redis.Redis) -> bool:
    """Whether a node serves the slots that it has."""
    return bool(node.cluster("INFO")["cluster_state"] == "ok")


def follows(replica: redis.Redis) -> bool:
    """Whether a replica hears its primary."""
    return bool(replica.info("replication").get("master_link_status") == "up")
