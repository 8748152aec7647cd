"""Nodes that know nothing of each other become a cluster, by the commands that `redis-cli --cluster create` sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import redis

from .topology import agree, follows, id_of, knows, ready

#: How many slots every cluster has.
SLOTS = 16384

#: Looks at a condition until it is true, and fails after a while with the words for what was waited for.
Wait = Callable[[Callable[[], bool], str], object]


def join(primaries: Sequence[redis.Redis], replicas: Sequence[redis.Redis], slots: range, wait: Wait) -> None:
    """Make a cluster of empty nodes, and wait until each of them knows all of it.

    Args:
        primaries: a client for each; they get about as many slots each.
        replicas: a client for each; they follow the primaries in turn.
        slots: what the cluster covers; `range(SLOTS)` but for trials.
        wait: how to wait.
    """
    nodes = [*primaries, *replicas]
    for epoch, node in enumerate(nodes, 1):
        node.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
    for primary, share in zip(primaries, _shares(slots, len(primaries)), strict=True):
        primary.execute_command("CLUSTER ADDSLOTS", *share)
    # With one of them alone, the others would hear of each other by gossip only, which takes its time.
    for one, other in combinations(nodes, 2):
        meet(one, other)
    names = [id_of(node) for node in nodes]
    wait(lambda: all(knows(node, names) for node in nodes), "all nodes to know each other")
    for number, replica in enumerate(replicas):
        follow(replica, primaries[number % len(primaries)])
    wait(lambda: agree(nodes), "all nodes to say the same of the slots")
    wait(lambda: all(map(follows, replicas)), "the replicas to follow")
    if len(slots) == SLOTS:
        wait(lambda: all(map(ready, nodes)), "the cluster to serve")


def meet(one: redis.Redis, other: redis.Redis) -> None:
    """Let two nodes shake hands."""
    place = other.get_connection_kwargs()
    one.execute_command("CLUSTER MEET", place["host"], place["port"])


def follow(replica: redis.Redis, primary: redis.Redis) -> None:
    """Make an empty node that knows the primary its replica."""
    replica.execute_command("CLUSTER REPLICATE", id_of(primary))


def _shares(slots: range, count: int) -> Iterator[range]:
    """Cut slots into so many pieces."""
    for number in range(count):
        yield slots[len(slots) * number // count : len(slots) * (number + 1) // count]
