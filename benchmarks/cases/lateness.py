"""From a session's deadline to its line on the disk: ours, bare keyspace events, and a zset that Celery looks at."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

from benchmarks.bare_events import events_heard
from benchmarks.beat import beat_lateness
from benchmarks.filling import HOUR, fill, foreign_keys, forget_starts, now_ms, store_on
from benchmarks.machine import place, sync_times
from benchmarks.processes import cpu_seconds
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.spread import median, percentile, steps
from session_store import Store
from tests.servers import RedisServer
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess


def run(scale: Scale) -> Result:
    """Measure each way in turn, ours twice, and ours once more with an append-only file."""
    result = Result()
    with RedisServer() as server:
        store = store_on(server)
        foreign_keys(store.redis, scale.foreign)
        fill(store, scale.beside, lambda _: now_ms() + 5 * HOUR)
        sync = sync_times()
        late, used = _ours(server, store, scale, scale.seconds / 2)
        heard, silent = events_heard(server, scale)
        more, _ = _ours(server, store, scale, scale.seconds / 2)
        late += more
        beside = {
            "bare keyspace events p50": median(heard),
            "bare keyspace events p99": percentile(heard, 0.99),
            "bare keyspace events never heard, %": silent * 100,
        }
        if scale.beat:
            beaten = beat_lateness(server, scale)
            beside |= {"Celery beat p50": median(beaten), "Celery beat p99": percentile(beaten, 0.99)}
            result.series["lateness: Celery beat, ms"] = steps(beaten)
    result.series["lateness: ours, ms"] = steps(late)
    result.series["lateness: bare keyspace events, ms"] = steps(heard)
    result.rows += _rows(late, sync, beside, scale, "")
    result.rows[-1].beside["worker, % of a core"] = used
    with RedisServer(appendonly=True, appendfsync="everysec") as server:
        store = store_on(server)
        foreign_keys(store.redis, scale.foreign)
        fill(store, scale.beside, lambda _: now_ms() + 5 * HOUR)
        late, _ = _ours(server, store, scale, scale.seconds)
        result.rows += _rows(late, sync, {}, scale, ", appendfsync everysec")
    return result


def _rows(late: list[float], sync: list[float], beside: dict[str, float], scale: Scale, how: str) -> tuple[Row, Row]:
    # The line says when it was written; it is on the disk one sync later.
    half, tail = median(late) + median(sync), percentile(late, 0.99) + percentile(sync, 0.99)
    beside_them = f"{scale.beside:,} sessions, {scale.foreign:,} foreign keys"
    note = f"{len(late):,} ends beside {beside_them}; a sync takes {median(sync):.2f} ms"
    p50 = {name: figure for name, figure in beside.items() if "p99" not in name}
    p99 = {name: figure for name, figure in beside.items() if "p99" in name}
    return (
        Row(f"lateness{how}, p50", half, "ms", "≤ 3 ms", half <= 3, p50, note),
        Row(f"lateness{how}, p99", tail, "ms", "≤ 10 ms", tail <= 10, p99),
    )


def _ours(server: RedisServer, store: Store, scale: Scale, seconds: float) -> tuple[list[float], float]:
    """Let sessions end at an even rate; return how late each line was (ms), and what the worker used (% of a core)."""
    with place() as directory, WorkerProcess(Path(directory), server.url) as worker:
        wait_until(lambda: "reconciled" in worker.log, "the first pass", 120)
        count = int(scale.ends * seconds)
        begin = now_ms() + 500 + count // 5
        fill(store, count, lambda number: begin + number * 1000 // scale.ends, first=20_000_000)
        while now_ms() < begin:
            time.sleep(0.001)
        used = cpu_seconds(worker.pid)
        time.sleep(seconds)
        used = (cpu_seconds(worker.pid) - used) / seconds * 100
        wait_until(lambda: store.count() <= scale.beside, "the ends", 60)
        wait_until(lambda: worker.audit_log.read_bytes().count(b'"session-ended"') >= count, "their lines", 60)
        with worker.audit_log.open() as log:
            late = [_lateness(json.loads(line)) for line in log if '"session-ended"' in line]
    forget_starts(store)
    return late, used


def _lateness(line: dict[str, dict[str, str]]) -> float:
    written, ended = (datetime.fromisoformat(str(at)) for at in (line["@timestamp"], line["event"]["end"]))
    return (written - ended).total_seconds() * 1000
