"""What is needed to carry a load, and what gives way first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from session_store.keys import MAX_SHARDS

from .costs import Costs
from .day import Day
from .load import REPLICAS, Load, load_of
from .shards import LEAST, UNEVEN, shards_for, unevenness


@dataclass(frozen=True)
class Host:
    """What one machine is taken to give; what is left over is for what nobody has foreseen.

    Attributes:
        core: the share of a processor's core that may be used at the day's peak.
        memory: bytes, of which data may take what `full` says.
        full: the share of memory that data, and what is copied while a file is rewritten, may take.
        network: bytes a second that may be used, of about twice as many.
        disk: bytes for the audit log.
    """

    core: float = 0.5
    memory: float = 32 * 2**30
    full: float = 0.8
    network: float = 10e9 / 8 / 2
    disk: float = 4e12


#: One that is easily had.
HOST = Host()


@dataclass(frozen=True)
class Needs:
    """What a load needs.

    Attributes:
        primaries: of Redis; 1 is one server, more are a cluster's.
        servers: the same with replicas.
        evenly: whether the shards lie evenly enough by themselves; else slots must be moved by hand.
        uneven: how much more than the mean the fullest primary has.
        per_shard: live sessions.
        memory: bytes, of all servers.
        workers: cores for workers; one worker is one process, and has one.
        days: for which the disk holds the audit log.
        why: what asks for most primaries.
        catch_up: minutes until one worker has written down what an hour without one has left, at the busiest time;
            None: it falls behind further and further.
    """

    primaries: int
    servers: int
    evenly: bool
    uneven: float
    per_shard: float
    memory: float
    workers: float
    days: float
    why: str
    catch_up: float | None


def carry(day: Day, sessions: float, costs: Costs, host: Host = HOST) -> tuple[Load, Needs]:
    """Return what so many sessions ask for, and what carries that: one server, or the smallest cluster that does."""
    load = load_of(day, sessions, costs, 1)
    if max(_redis(load, costs, host).values()) <= 1:
        return load, _needs(load, costs, host, 1, 1.0, evenly=True)
    primaries = max(3, ceil(max(_redis(load, costs, host).values())))
    while True:
        shards = shards_for(primaries)
        load = load_of(day, sessions, costs, shards or min(MAX_SHARDS, LEAST * primaries))
        uneven = unevenness(shards, primaries) if shards else UNEVEN
        needed = max(_redis(load, costs, host).values()) * uneven
        if needed <= primaries:
            return load, _needs(load, costs, host, primaries, uneven, evenly=shards is not None)
        # Far from enough, a few more won't do either.
        primaries = max(primaries + 1, int(needed / UNEVEN))


def shares(load: Load, costs: Costs, host: Host) -> dict[str, float]:
    """Return how much of each resource of one server and one worker a load takes; 1 is all that may be used."""
    return _redis(load, costs, host) | {"the worker's core": load.worker / host.core}


def reach(day: Day, costs: Costs, host: Host = HOST) -> dict[str, float]:
    """Return how many live sessions one server and one worker carry as far as each resource goes."""
    names = shares(load_of(day, 1, costs, 1), costs, host)
    return {name: _most(lambda n, name=name: shares(load_of(day, n, costs, 1), costs, host)[name]) for name in names}


def _most(share: Callable[[float], float]) -> float:
    low, high = 1.0, 1e15
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if share(middle) <= 1 else (low, middle)
    return low


def _redis(load: Load, costs: Costs, host: Host) -> dict[str, float]:
    return {
        "Redis' core": load.core / host.core,
        "memory": load.memory * (1 + costs.copied) / (host.memory * host.full),
        "network": load.network / host.network,
    }


def _needs(load: Load, costs: Costs, host: Host, primaries: int, uneven: float, *, evenly: bool) -> Needs:
    parts = _redis(load, costs, host)
    idle = 0 if primaries == 1 else load.shards * costs.worker_shard / 1e6
    return Needs(
        primaries=primaries,
        servers=primaries * (1 + REPLICAS),
        evenly=evenly,
        uneven=uneven,
        per_shard=load.sessions / load.shards,
        memory=load.memory * (1 + costs.copied) / host.full * (1 + REPLICAS),
        workers=(load.worker + idle) / host.core,
        days=host.disk / load.audit,
        why=max(parts, key=lambda name: parts[name]),
        catch_up=_catch_up(load, costs, primaries),
    )


def _catch_up(load: Load, costs: Costs, primaries: int) -> float | None:
    at_once = min(1e6 / costs.worker_end_together, primaries * 1e6 / costs.redis_end_together)
    return 60 * load.ends / (at_once - load.ends) if at_once > load.ends else None
