"""How servers that take over from one another went, and what came of it in the audit logs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .judgement import Judgement


@dataclass
class Strike:
    """One failover, and how it went; times in seconds.

    Attributes:
        away: how long nobody had the shards that were hit.
        until_punctual: from the failover until ends were punctual again; None: not soon enough.
        revived: sessions that lived again after that, although a log had their end before.
        elsewhere: how late half of the ends in the other shards were written meanwhile, ms.
    """

    away: float
    until_punctual: float | None
    revived: int
    elsewhere: float


@dataclass(frozen=True)
class GroupVerdict:
    """What came of a fault.

    Attributes:
        sessions: how many Redis had acknowledged.
        judgement: what the logs lack.
        left: keys that were left on any node.
        strikes: how each failover went.
        seconds: from the end of the traffic until everything was in the logs.
    """

    sessions: int
    judgement: Judgement
    left: int
    strikes: list[Strike] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def punctual(self) -> bool:
        """Whether ends were punctual soon enough after each failover."""
        return all(strike.until_punctual is not None for strike in self.strikes)
