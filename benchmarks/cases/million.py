"""A million sessions: what they cost in Redis, one end among them, the idle worker; then all end at once, twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis

from benchmarks.filling import HOUR, fill, forget_starts, now_ms, shift, store_on
from benchmarks.machine import place
from benchmarks.processes import cpu_seconds, memory
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.spread import median
from session_store import Ref, Store
from tests.servers import RedisServer
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

#: Ends measured at each size, and how many go together.
SAMPLES, TOGETHER = 30, 100

#: Sessions from which on the memory says something: with fewer users, fewer share a set, and each set costs more.
MANY = 1_000_000

#: Seconds that a benchmark waits for what should take far less.
PATIENCE = 600


def run(scale: Scale) -> Result:
    """Fill a Redis step by step, and measure on the way."""
    result = Result()
    with RedisServer() as server:
        store = store_on(server)
        _grow(store, scale, result)
        server.client().save()
        with _worker(server) as worker:
            _idle(server, store, worker, scale, result)
            deadline = now_ms() + 1_000 + scale.sessions // 100
            shift(store, deadline)
            while now_ms() < deadline:
                time.sleep(0.001)
            burst = _until_written(store, worker, Begin.now(worker, scale.sessions))
            result.rows.append(replace(burst, what="burst: all sessions due in the same second"))
        server.restart()
        store = store_on(server)
        wait_until(lambda: store.count() >= scale.sessions, "the sessions to be back", PATIENCE)
        deadline = now_ms() + 500
        shift(store, deadline)
        while now_ms() < deadline:
            time.sleep(0.001)
        started = time.perf_counter()
        with _worker(server) as worker:
            caught_up = _until_written(store, worker, Begin(scale.sessions, started, 0.0))
            result.rows.append(replace(caught_up, what="catch-up: the same, due while no worker ran; its start counts"))
    return result


def _grow(store: Store, scale: Scale, result: Result) -> None:
    cost = {}
    empty, have = int(store.redis.info("memory")["used_memory"]), 0
    for size in scale.sizes:
        far = now_ms() + 5 * HOUR
        fill(store, size - have, lambda number, far=far: far + number % HOUR, first=have)
        have = size
        cost[f"{size:,}"] = _cost_of_an_end(store, size)
    forget_starts(store)
    bytes_each = (int(store.redis.info("memory")["used_memory"]) - empty) / store.count()
    result.costs["memory"] = bytes_each
    figures = list(cost.values())
    result.rows.append(
        Row(
            f"cost of one end, {scale.sizes[-1]:,} live sessions against {scale.sizes[0]:,}",
            figures[-1] / figures[0],
            "×",
            "≤ 1.3 ×",
            figures[-1] / figures[0] <= 1.3,
            beside={f"{size} live, µs": figure for size, figure in cost.items()},
        )
    )
    result.rows.append(
        Row(
            "memory in Redis for one session, record of 120 bytes",
            bytes_each,
            "bytes",
            "≤ 425",
            bytes_each <= 425 if store.count() >= MANY else None,
            note=f"used_memory, {store.count():,} sessions of as many users",
        )
    )
    result.series["growth: live sessions"] = [float(size) for size in scale.sizes]
    result.series["growth: µs an end"] = figures


def _cost_of_an_end(store: Store, size: int) -> float:
    """Return what Redis takes for one end, in µs, by its own count; others are opened in their place."""
    took = []
    for number in range(SAMPLES):
        refs: list[Ref] = fill(store, TOGETHER, lambda _: now_ms() + HOUR, first=10_000_000 + size + number * TOGETHER)
        before = _script_time(store)
        store.end_all(refs, "logout")
        took.append((_script_time(store) - before) / TOGETHER)
        for keys in store.keys.shards:
            store.redis.hdel(keys.ended, *[ref.sid for ref in refs])
    return median(took)


def _script_time(store: Store) -> int:
    stats = store.redis.info("commandstats")
    return sum(int(stats.get(name, {}).get("usec", 0)) for name in ("cmdstat_evalsha", "cmdstat_eval"))


def _idle(server: RedisServer, store: Store, worker: WorkerProcess, scale: Scale, result: Result) -> None:
    wait_until(lambda: "reconciled" in worker.log, "the first pass", PATIENCE)
    seconds = max(scale.seconds * 2, 1)
    with server.client() as client:
        of_worker, of_redis, start = cpu_seconds(worker.pid), cpu_seconds(server.pid), time.monotonic()
        rate = _commands(client, seconds)
        took = time.monotonic() - start
    share = (cpu_seconds(worker.pid) - of_worker) / took * 100
    redis_share = (cpu_seconds(server.pid) - of_redis) / took * 100
    rss = memory(worker.pid)
    count = f"{store.count():,} live sessions, nothing due"
    result.rows += [
        Row(f"idle worker, {count}: processor", share, "% of a core", "≤ 1 %", share <= 1, {"Redis": redis_share}),
        Row(f"idle worker, {count}: memory", rss, "MB", "≤ 60 MB", rss <= 60),
        Row(
            f"idle worker, {count}: commands",
            rate,
            "a second",
            "≤ 5",
            rate <= 5,
            note="what scripts call inside is not counted",
        ),
    ]


def _commands(client: redis.Redis, seconds: float) -> float:
    """Return how many commands clients send, a second; what scripts call is not theirs."""
    end, count = time.monotonic() + seconds, 0
    # MONITOR does not show CONFIG.
    before = _config_reads(client)
    with client.monitor() as monitor:
        for command in monitor.listen():
            if time.monotonic() > end:
                break
            count += command["client_type"] != "lua"
    return (count + _config_reads(client) - before) / seconds


def _config_reads(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_config|get", {}).get("calls", 0))


@dataclass(frozen=True)
class Begin:
    """When what was due began to be written: how many there were, at what time, what the worker had used by then."""

    count: int
    at: float
    used: float

    @classmethod
    def now(cls, worker: WorkerProcess, count: int) -> Begin:
        """Begin at this moment."""
        return cls(count, time.perf_counter(), cpu_seconds(worker.pid))


def _until_written(store: Store, worker: WorkerProcess, begin: Begin) -> Row:
    """Wait until every end is in the fsynced log; return how many a second."""
    streams = [keys.audit for keys in store.keys.shards]
    # The stream is emptied by the acknowledgement, which follows the fsync.
    while store.count() or any(store.redis.xlen(stream) for stream in streams):
        time.sleep(0.02)
    took = time.perf_counter() - begin.at
    used = max(0.01, cpu_seconds(worker.pid) - begin.used)
    peak, rate = memory(worker.pid, peak=True), begin.count / took
    return Row(
        "",
        rate,
        "ends a second",
        "≥ 40,000, ≤ 150 MB",
        rate >= 40_000 and peak <= 150,
        beside={"for each second of the worker's processor": begin.count / used, "worker's peak, MB": peak},
        note=f"{begin.count:,} sessions in {took:.1f} s",
    )


@contextmanager
def _worker(server: RedisServer) -> Iterator[WorkerProcess]:
    with place() as directory, WorkerProcess(Path(directory), server.url) as worker:
        worker.wait_for_log("writing")
        yield worker
        assert worker.running
