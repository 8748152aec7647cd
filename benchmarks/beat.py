"""The alternative of 2012: a sorted set, and a task that a real Celery worker runs every minute."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import redis

from tests.servers import RedisServer

from .filling import now_ms
from .machine import place
from .sizes import Scale

#: What is told to the processes that Celery starts.
URL, EVERY, LOG = "BENCH_REDIS_URL", "BENCH_BEAT", "BENCH_LOG"

ZSET = "wiki:2012:due"


def beat_lateness(server: RedisServer, scale: Scale) -> list[float]:
    """Let members of the set become due over two beats; return how late each was written down, in ms."""
    with place() as directory, redis.Redis.from_url(server.url_of(1)) as client:
        log = Path(directory) / "ended.log"
        environment = {**os.environ, URL: server.url_of(1), EVERY: str(scale.beat), LOG: str(log)}
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.beat_app", "worker", "--beat", "--concurrency=1"]
        command += ["--loglevel=WARNING", f"--schedule={directory}/schedule"]
        celery = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return _late(client, log, scale)
        finally:
            celery.terminate()
            celery.wait(30)


def _late(client: redis.Redis, log: Path, scale: Scale) -> list[float]:
    seconds, rate = 2 * scale.beat, 100
    begin = now_ms() + 5_000
    due = {f"{number}": begin + number * 1000 // rate for number in range(seconds * rate)}
    for first in range(0, len(due), 1000):
        client.zadd(ZSET, dict(list(due.items())[first : first + 1000]))
    end = time.monotonic() + 5 + 2 * seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        if log.exists() and log.read_text().count("\n") >= len(due):
            break
    return [float(line) for line in log.read_text().splitlines()] if log.exists() else []
