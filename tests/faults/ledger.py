"""What Redis has acknowledged to the people who log in and out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Life:
    """A session that Redis said was opened. Times are ms since the epoch, by Redis' clock.

    Attributes:
        shard: where it is.
        created: when it was opened.
        reasons: those for which it may end.
        expires: when it ends at the latest.
        deadline: when it ends by itself, as far as Redis has acknowledged: renewals move it.
        over: whether Redis said that it was ended.
        changed: when Redis last said that it was ended or renewed.
    """

    shard: int
    created: int
    reasons: set[str]
    expires: int
    deadline: int
    over: bool = False
    changed: int = 0


@dataclass
class Ledger:
    """What Redis acknowledged, and what may have happened without its saying so.

    Attributes:
        opened: the sessions that Redis said were opened, by sid.
        doubtful: shards of the sids whose opening failed: they may exist.
        refused: how often Redis, or a part of it, was away.
    """

    opened: dict[str, Life] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    refused: int = 0
