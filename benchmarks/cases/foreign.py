"""What the expiries of other people's keys cost the worker."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.filling import HOUR, fill, now_ms, store_on
from benchmarks.machine import place
from benchmarks.processes import cpu_seconds
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.spread import median
from tests.servers import RedisServer
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

#: Quiet and busy times in turn.
TURNS = 3


def run(scale: Scale) -> Result:
    """Measure the worker's use of the processor in quiet times and in busy ones."""
    quiet, busy, rates = [], [], []
    with RedisServer() as server, place() as directory, WorkerProcess(Path(directory), server.url) as worker:
        store = store_on(server)
        fill(store, min(1000, scale.beside), lambda _: now_ms() + 5 * HOUR)
        wait_until(lambda: "reconciled" in worker.log, "the first pass", 60)
        for _ in range(TURNS):
            quiet.append(_use(worker.pid, scale.seconds / 3))
            traffic = subprocess.Popen([sys.executable, "-m", "benchmarks.traffic", server.url, str(scale.expiries)])
            try:
                wait_until(lambda: store.redis.info("stats")["expired_keys"] > 0, "the traffic", 60)
                before = int(store.redis.info("stats")["expired_keys"])
                busy.append(_use(worker.pid, scale.seconds / 3))
                rates.append((int(store.redis.info("stats")["expired_keys"]) - before) / (scale.seconds / 3))
            finally:
                traffic.kill()
                traffic.wait(10)
            store.redis.config_resetstat()
    more = median(busy) - median(quiet)
    row = Row(
        f"foreign traffic, {median(rates):,.0f} expiries a second: what it adds to the worker",
        more,
        "% of a core",
        "± 1 %",
        abs(more) <= 1,
        {"idle": median(quiet)},
    )
    return Result([row])


def _use(pid: int, seconds: float) -> float:
    used, start = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - used) / (time.monotonic() - start) * 100
