"""Many sessions due together on one Redis, with their users spread over more and more shards."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.cores import apart
from benchmarks.filling import HOUR, fill, now_ms, shift
from benchmarks.machine import place
from benchmarks.places import one_server
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.spread import median
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

#: How many shards, in turn, and how often each.
SHARDS, TURNS = (1, 2, 4, 16), 3

#: How much less may be ended a second than with one shard.
LEAST = 0.9


def run(scale: Scale) -> Result:
    """Let sessions end with each number of shards in turn."""
    count = scale.beside // 2
    rates: dict[int, list[float]] = {shards: [] for shards in SHARDS}
    for _ in range(TURNS):
        for shards in SHARDS:
            rates[shards].append(_ends_a_second(shards, count))
    found = {shards: median(each) for shards, each in rates.items()}
    ratios = {shards: rate / found[1] for shards, rate in found.items()}
    least = min(ratios.values())
    row = Row(
        f"ends a second on one Redis, {SHARDS[-1]} shards against one",
        ratios[SHARDS[-1]],
        "×",
        "≥ 0.9 ×, 2 and 4 too",
        least >= LEAST,
        {f"with {shards}": rate for shards, rate in found.items()},
        f"{count:,} sessions due together; median of {TURNS}",
        "More than one server",
    )
    return Result([row])


def _ends_a_second(shards: int, count: int) -> float:
    with (
        one_server(shards=shards) as redis,
        apart(redis.servers[0].pid),
        place() as directory,
        WorkerProcess(Path(directory), redis.url, WIKI_REDIS_SHARDS=str(shards)) as worker,
    ):
        wait_until(lambda: "reconciled" in worker.log, "the first pass", 60)
        fill(redis.store, count, lambda _: now_ms() + HOUR)
        redis.wait_until_written()
        deadline = now_ms() + 500 + count // 50
        shift(redis.store, deadline)
        while now_ms() < deadline:
            time.sleep(0.001)
        started = time.perf_counter()
        redis.wait_until_over()
        return count / (time.perf_counter() - started)
