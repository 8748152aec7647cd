"""How the nodes of a cluster fare, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis

from .topology import itself


@dataclass(frozen=True)
class Sight:
    """A node as it was last seen.

    Attributes:
        pid: its process; None while it doesn't answer.
        id: its name in the cluster.
        primary: the id of the one that it follows; empty for a primary.
        slots: what it has.
    """

    pid: int | None
    id: str = ""
    primary: str = ""
    slots: tuple[range, ...] = ()


def look(client: redis.Redis, before: Sight) -> Sight:
    """Return how a node fares; of one that doesn't answer, what it was before is kept."""
    try:
        pid, member = int(client.info("server")["process_id"]), itself(client)
    except redis.RedisError:
        return Sight(None, before.id, before.primary, before.slots)
    return Sight(pid, member.id, "" if member.primary == "-" else member.primary, member.slots)


def role(number: int, sights: Sequence[Sight]) -> str:
    """Return what a node is, in words; nodes are called by their numbers, from 1 on."""
    sight = sights[number - 1]
    if sight.primary:
        followed = [str(other) for other, seen in enumerate(sights, 1) if seen.id == sight.primary]
        return f"replica of node {''.join(followed) or '?'}"
    return f"primary of slots {', '.join(map(_span, sight.slots))}" if sight.slots else "primary without slots"


def changes(before: Sequence[Sight], now: Sequence[Sight]) -> Iterator[str]:
    """Yield what has changed, in words."""
    for number, (old, new) in enumerate(zip(before, now, strict=True), 1):
        was, has_become = role(number, before), role(number, now)
        if old.pid and not new.pid:
            yield f"node {number} is gone; it was {_article(old)} {was}"
        elif new.pid and new.pid != old.pid:
            yield f"node {number} is back: process {new.pid}"
        if was != has_become:
            yield f"node {number} is now {_article(new)} {has_become}"


def _article(sight: Sight) -> str:
    return "a" if sight.primary else "the"


def _span(slots: range) -> str:
    return f"{slots[0]}-{slots[-1]}" if len(slots) > 1 else str(slots[0])
