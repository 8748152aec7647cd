"""One shard as an operator has it, and a cluster of three primaries: what each thing costs; plans are made of that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks import places
from benchmarks.calls import costs_of_calls, costs_of_ends, due_at_rate, due_together, together
from benchmarks.filling import HOUR, fill, now_ms, person
from benchmarks.machine import place
from benchmarks.places import Place, Used
from benchmarks.processes import cpu_seconds
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.timing import medians, tails, time_in_turn
from session_store import make_nonce, make_token
from session_store.connections import cluster_client
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

SECTION = "More than one server"

#: What each kind of call is called in `plan.costs`.
NAMES = {"log-in": "log_in", "check": "check", "renewal": "write", "end": "end"}


def run(scale: Scale) -> Result:
    """Measure one server, one with a file and a replica, and a cluster."""
    count, result = scale.beside // 2, Result()
    with places.one_server() as here, _worker(here) as worker:
        alone = together(here, count)
        end, result.costs["worker_end_together"], alone["ends"] = costs_of_ends(here, worker, count, due_together(here))
        result.costs["redis_end_together"] = end.cpu
    with places.server_with_replica() as here:
        with _worker(here) as worker:
            each = _one_by_one(here, scale, worker, result)
        copied = _copied(here, count, result)
    with places.cluster() as here:
        read = _read(here, scale)
        with _worker(here) as worker:
            idle = _idle(worker, scale)
            spread = together(here, count)
            _, _, spread["ends"] = costs_of_ends(here, worker, count, due_together(here))
            there, _ = costs_of_calls(here, scale.calls, worker)
    result.costs["worker_shard"] = idle * 1e4 / places.SHARDS
    result.rows += [
        read,
        *(_rate(name, alone[name], spread[name]) for name in alone),
        *(_cost(name, used, there) for name, used in each.items()),
        _of_worker(result.costs),
        _row(
            f"idle worker on a cluster, {places.SHARDS} shards: processor",
            idle,
            "% of a core",
        ),
        _files(each, result.costs),
        copied,
    ]
    return result


def _row(what: str, ours: float, unit: str, beside: dict[str, float] | None = None, note: str = "") -> Row:
    return Row(what, ours, unit, beside=beside or {}, note=note, section=SECTION)


def _rate(name: str, alone: float, spread: float) -> Row:
    note = "all due at once, one worker" if name == "ends" else "one client, 500 in each round trip"
    return _row(f"{name}, one shard", alone, "a second", {"cluster of 3": spread}, note)


def _cost(name: str, used: Used, there: dict[str, Used]) -> Row:
    beside = {"on a cluster": there[name].cpu} if name in there else {}
    beside |= {"bytes to and from clients": used.net, "bytes to a replica": used.replica}
    return _row(f"Redis' processor for one {name}, one at a time", used.cpu, "µs", beside)


def _of_worker(costs: dict[str, float]) -> Row:
    beside = {"many at once": costs["worker_end_together"], "a log-in": costs["worker_start"]}
    return _row("the worker's processor for one end, one at a time", costs["worker_end"], "µs", beside)


def _files(each: dict[str, Used], costs: dict[str, float]) -> Row:
    both = {"in the audit log": costs["line_start"] + costs["line_end"]}
    return _row("append-only file, one session's log-in and end", each["log-in"].file + each["end"].file, "bytes", both)


def _one_by_one(here: Place, scale: Scale, worker: WorkerProcess, result: Result) -> dict[str, Used]:
    each, result.costs["worker_start"] = costs_of_calls(here, scale.calls, worker)
    count = int(scale.ends * max(1, scale.seconds / 3))
    each["end"], result.costs["worker_end"], _ = costs_of_ends(
        here, worker, count, due_at_rate(here, count, scale.ends)
    )
    for name, used in each.items():
        result.costs[f"redis_{NAMES[name]}"] = used.cpu
        result.costs[f"net_{NAMES[name]}"] = used.net
        if name != "check":
            result.costs[f"replica_{NAMES[name]}"] = used.replica
    with worker.audit_log.open() as log:
        lines = {"start": [0], "end": [0]}
        for line in log:
            lines["end" if '"session-ended"' in line else "start"].append(len(line.encode()))
    for action, sizes in lines.items():
        result.costs[f"line_{action}"] = sum(sizes) / max(1, len(sizes) - 1)
    return each


def _copied(here: Place, count: int, result: Result) -> Row:
    """Let Redis rewrite its file while people log in as fast as they can."""
    fill(here.store, count, lambda _: now_ms() + HOUR)
    redis = here.store.redis
    redis.bgrewriteaof()
    first = count
    while (info := redis.info("persistence"))["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]:
        fill(here.store, 500, lambda _: now_ms() + HOUR, first=first)
        first += 500
    used = float(redis.info("memory")["used_memory"])
    result.costs["copied"] = float(info["aof_last_cow_size"]) / used
    return _row(
        "memory that is there twice while Redis rewrites its file and people log in",
        result.costs["copied"] * 100,
        "% of its data",
        {"data, MB": used / 1e6, "the fork, ms": redis.info("stats")["latest_fork_usec"] / 1000},
    )


def _read(here: Place, scale: Scale) -> Row:
    """Time the wiki's look beside the least that redis-py's cluster client can be asked for."""
    store, client = here.store, cluster_client(here.store.config)
    tokens = [make_token(b"secret", make_nonce(), 1, keys.number) for keys in store.keys.shards]
    for number, token in enumerate(tokens):
        assert store.open(token, person(number), age=HOUR).lives
        client.set(f"plain:{number}", "x" * 120)
    names, turn = cycle(f"plain:{number}" for number in range(len(tokens))), cycle(tokens)
    took = time_in_turn(
        {"GET": lambda: client.get(next(names)), "Store.read": lambda: store.read(next(turn))}, scale.calls
    )
    half = medians(took)
    ratio = half["Store.read"] / half["GET"]
    return Row(
        "Store.read on a cluster against a pooled GET of RedisCluster",
        ratio,
        "×",
        "≤ 1.3 ×",
        ratio <= 1.3,
        {f"{name}, µs": figure for name, figure in half.items()},
        tails(took),
        SECTION,
    )


def _idle(worker: WorkerProcess, scale: Scale) -> float:
    """Return what a worker uses that has nothing to do, % of a core."""
    seconds = max(scale.seconds / 3, 0.5)
    used, start = cpu_seconds(worker.pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(worker.pid) - used) / (time.monotonic() - start) * 100


@contextmanager
def _worker(here: Place) -> Iterator[WorkerProcess]:
    shards = str(len(here.store.keys.shards))
    with place() as directory, WorkerProcess(Path(directory), here.url, WIKI_REDIS_SHARDS=shards) as worker:
        wait_until(lambda: worker.log.count("reconciled") >= len(here.store.lanes), "the first passes", 60)
        yield worker
