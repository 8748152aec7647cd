"""Many sessions due together on one Redis, with their users spread over more and more shards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.cores import apart
from benchmarks.filling import HOUR, fill, forget_starts, now_ms, shift
from benchmarks.machine import place
from benchmarks.places import Place, one_server
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.spread import median
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

#: How many shards, in turn, and how often each.
SHARDS, TURNS = (1, 2, 4, 16), 5

#: How much less may be ended a second than with one shard.
LEAST = 0.9


def run(scale: Scale) -> Result:
    """Let sessions end with each number of shards in turn."""
    count = scale.beside // 2
    rates: dict[int, list[float]] = {shards: [] for shards in SHARDS}
    with ExitStack() as stack:
        places = {shards: stack.enter_context(_filled(shards, count)) for shards in SHARDS}
        for _ in range(TURNS):
            for shards, redis in places.items():
                rates[shards].append(_ends_a_second(redis, shards, count))
    found = {shards: median(each) for shards, each in rates.items()}
    # Each against what one shard did in the same turn: a machine is not as fast one minute as the next.
    ratios = {
        shards: median([one / other for one, other in zip(each, rates[1], strict=True)])
        for shards, each in rates.items()
    }
    least = min(ratios.values())
    row = Row(
        f"ends a second on one Redis, {SHARDS[-1]} shards against one",
        ratios[SHARDS[-1]],
        "×",
        "≥ 0.9 ×, 2 and 4 too",
        least >= LEAST,
        {f"with {shards}": rate for shards, rate in found.items()}
        | {f"× with {shards}": ratio for shards, ratio in ratios.items() if 1 < shards < SHARDS[-1]},
        f"{count:,} sessions due together; medians of {TURNS}",
        "More than one server",
    )
    return Result([row])


@contextmanager
def _filled(shards: int, count: int) -> Iterator[Place]:
    """Start a server that begins each time with the same sessions."""
    with one_server(shards=shards) as redis:
        fill(redis.store, count, lambda _: now_ms() + HOUR)
        forget_starts(redis.store)
        redis.store.redis.save()
        yield redis


def _ends_a_second(redis: Place, shards: int, count: int) -> float:
    (server,) = redis.servers
    server.restart()
    with (
        apart(server.pid),
        place() as directory,
        WorkerProcess(Path(directory), redis.url, WIKI_REDIS_SHARDS=str(shards)) as worker,
    ):
        wait_until(lambda: "reconciled" in worker.log, "the first pass", 60)
        deadline = now_ms() + 500 + count // 25
        shift(redis.store, deadline)
        while now_ms() < deadline:
            time.sleep(0.001)
        redis.wait_until_over()
        return count / ((now_ms() - deadline) / 1000)
