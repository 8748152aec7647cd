"""Holds the audit logs of every host against what Redis had acknowledged and what of that its failovers have kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .ledger import Ledger, Life
from .lines import Line

#: Milliseconds by which an end may differ from its deadline: what is left and the time are read one after the other.
NEAR = 2


@dataclass
class Kept:
    """What failovers have kept, as the replicas that took over had it.

    Attributes:
        gone: sids that may have been acknowledged, and of which those replicas knew nothing.
        set_back: sids that they knew in an older state: a log-out or a renewal had not come through.
    """

    gone: set[str] = field(default_factory=set)
    set_back: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Judgement:
    """What the audit logs lack, or say wrongly; of several hosts the worst.

    Attributes:
        lost: sessions that lack their start or their end, although Redis had kept them.
        twice: events that are there more than once.
        wrong: ends with a reason, or at a time, that can't be right.
        by_redis: acknowledged sessions that are not whole, as a failover has lost them.
        undone: acknowledged log-outs and renewals that count for nothing, as a failover has lost them.
    """

    lost: int = 0
    twice: int = 0
    wrong: int = 0
    by_redis: int = 0
    undone: int = 0

    def worse(self, other: Judgement) -> Judgement:
        """Return the worse of both, in each respect."""
        return Judgement(*map(max, zip(self._numbers, other._numbers, strict=True)))

    @property
    def _numbers(self) -> tuple[int, ...]:
        return (self.lost, self.twice, self.wrong, self.by_redis, self.undone)


def judge(ledger: Ledger, lines: Iterable[Line], kept: Kept) -> Judgement:
    """Judge one host's log."""
    counts: Counter[tuple[str, str]] = Counter()
    ends: dict[str, Line] = {}
    for line in lines:
        counts[line.sid, line.action] += 1
        if line.action == "end":
            ends.setdefault(line.sid, line)
    # What was never acknowledged may be there or not; but where it began, it must have ended.
    known = {*ledger.opened, *(sid for sid, _ in counts)}
    broken = {sid for sid in known if not (counts[sid, "start"] and counts[sid, "end"])}
    odd = {sid for sid, end in ends.items() if sid in ledger.opened and not _is_right(ledger.opened[sid], end)}
    return Judgement(
        lost=len(broken - kept.gone),
        twice=sum(count > 1 for count in counts.values()),
        wrong=len(odd - kept.set_back),
        by_redis=len(broken & kept.gone & ledger.opened.keys()),
        undone=len(odd & kept.set_back),
    )


def _is_right(life: Life, end: Line) -> bool:
    if end.reason not in life.reasons:
        return False
    if end.reason == "expired":
        return abs(end.at - life.expires) <= NEAR
    return end.reason != "idle" or life.deadline - NEAR <= end.at <= life.expires
