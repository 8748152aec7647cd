"""The table of what came of the faults of a cluster and of what Sentinels watch."""

from __future__ import annotations

from .group_faults import GroupFault
from .group_verdict import GroupVerdict

HEAD = (
    "| fault | times | sessions | lost | twice | wrong | live again | left in Redis | lost by Redis: sessions / changes"
    " | nobody there, s | punctual after, s | others meanwhile, ms | catch-up, s |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def good(fault: GroupFault, verdict: GroupVerdict) -> bool:
    """Whether nothing went wrong but what Redis may lose."""
    found = verdict.judgement
    spotless = found.lost == found.twice == found.wrong == verdict.left == 0
    settled = verdict.punctual and not any(strike.revived for strike in verdict.strikes)
    return spotless and settled and (fault.loses or found.by_redis == found.undone == 0)


def row(fault: GroupFault, times: int, verdict: GroupVerdict) -> str:
    """Return a fault's row; of several strikes the worst."""
    found, strikes = verdict.judgement, verdict.strikes
    after = max((strike.until_punctual or 0 for strike in strikes), default=0.0)
    elsewhere = f"{max((strike.elsewhere for strike in strikes), default=0.0):.0f}"
    cells = (
        fault.title,
        times,
        verdict.sessions,
        found.lost,
        found.twice,
        found.wrong,
        sum(strike.revived for strike in strikes),
        verdict.left,
        f"{found.by_redis} / {found.undone}" if found.by_redis or found.undone else 0,
        f"{max((strike.away for strike in strikes), default=0.0):.1f}",
        f"{after:.1f}" if verdict.punctual else "not in time",
        "" if fault.sentinels or fault.hits_workers else elsewhere,
        f"{verdict.seconds:.1f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"
