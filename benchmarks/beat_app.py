"""What Celery runs: it ends what is due, and writes down how late that was."""

from __future__ import annotations

import os
import time
from pathlib import Path

import redis
from celery import Celery

from .beat import EVERY, LOG, URL, ZSET

app = Celery("bench", broker=os.environ[URL])
app.conf.beat_schedule = {"sweep": {"task": "benchmarks.beat_app.sweep", "schedule": float(os.environ[EVERY])}}


@app.task
def sweep() -> None:
    """End what is due, as a site of 2012 would: a connection of its own, one command after the other."""
    client = redis.Redis.from_url(os.environ[URL])
    now = time.time() * 1000
    due = client.zrangebyscore(ZSET, "-inf", now, withscores=True)
    with Path(os.environ[LOG]).open("a") as log:
        for member, deadline in due:
            client.zrem(ZSET, member)
            log.write(f"{time.time() * 1000 - deadline}\n")
        log.flush()
        os.fsync(log.fileno())
    client.close()
