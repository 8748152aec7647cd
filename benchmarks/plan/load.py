"""What a site's day asks of Redis, network and worker, as sums over the simulated day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .costs import Costs
from .day import STEP, Day

#: So many standard deviations above the mean lies what a second of a step has at most, of events that know nothing of
#: each other: it is more about once in 30,000 seconds.
SIGMAS = 4.0

#: Replicas of each primary.
REPLICAS = 1

#: Ends a second and shard up to which each costs what one costs by itself; that was measured at this rate. With more,
#: the worker finds several whenever it looks, and only the looking costs what it did.
SINGLES = 1_000


@dataclass(frozen=True)
class Load:
    """What so many sessions ask for, all shards together. Of what varies, the greatest of the day.

    Attributes:
        sessions: that live at the peak.
        shards: over which they are spread.
        log_ins: a second.
        checks: the same.
        ends: the same.
        ends_in_a_second: the greatest of all seconds, not only the mean of ten minutes.
        core: of Redis' processor, seconds a second.
        memory: bytes of data.
        network: bytes a second, clients' and replicas' together.
        worker: of the worker's processor, seconds a second, without what idle shards cost.
        lines: of the audit log, a day.
        audit: bytes of the audit log, a day.
    """

    sessions: float
    shards: int
    log_ins: float
    checks: float
    ends: float
    ends_in_a_second: float
    core: float
    memory: float
    network: float
    worker: float
    lines: float
    audit: float


def load_of(day: Day, sessions: float, costs: Costs, shards: int) -> Load:
    """Return what so many sessions, at the day's peak, ask for."""
    began, over = sum(day.log_ins) * STEP * sessions, sum(day.ends) * STEP * sessions
    ends = max(day.ends) * sessions
    redis, worker = (
        (costs.redis_log_in, costs.redis_check, costs.redis_write, costs.redis_end, costs.redis_end_together),
        (costs.worker_start, 0, 0, costs.worker_end, costs.worker_end_together),
    )
    network = (
        costs.net_log_in + REPLICAS * costs.replica_log_in,
        costs.net_check,
        costs.net_write + REPLICAS * costs.replica_write,
        costs.net_end + REPLICAS * costs.replica_end,
        costs.net_end + REPLICAS * costs.replica_end,
    )
    return Load(
        sessions=sessions,
        shards=shards,
        log_ins=max(day.log_ins) * sessions,
        checks=max(day.checks) * sessions,
        ends=ends,
        ends_in_a_second=ends + SIGMAS * ends**0.5,
        core=_peak(day, sessions, redis, shards) / 1e6,
        memory=sessions * costs.memory,
        network=_peak(day, sessions, network, shards),
        worker=_peak(day, sessions, worker, shards) / 1e6,
        lines=began + over,
        audit=began * costs.line_start + over * costs.line_end,
    )


def cost_of_ends(rate: float, one: float, together: float) -> float:
    """Return what so many ends a second cost in one shard, where an end by itself costs `one`."""
    return min(rate * one, rate * together + SINGLES * (one - together))


def _peak(day: Day, sessions: float, costs: Sequence[float], shards: int) -> float:
    """Return the most that a step costs, a second; costs of a log-in, check, write, end, and end among many."""
    log_in, check, write, one, together = costs
    steps = zip(day.log_ins, day.checks, day.writes, day.ends, strict=True)
    return max(
        sessions * (log_ins * log_in + (checks - writes) * check + writes * write)
        + shards * cost_of_ends(sessions * ends / shards, one, together)
        for log_ins, checks, writes, ends in steps
    )
