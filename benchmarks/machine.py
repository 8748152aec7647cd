"""On what it was measured."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import redis

#: What has a say in the figures.
PACKAGES = ("redis", "hiredis", "msgspec", "Django", "moin", "celery")


def describe(client: redis.Redis) -> dict[str, str]:
    """Return machine and versions, each in a few words."""
    info = client.info()
    server = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f} before the start",
        "python": platform.python_version(),
        "server": f"{server}, {info['mem_allocator']}",
        **{name: version(name) for name in PACKAGES},
    }


def place() -> tempfile.TemporaryDirectory[str]:
    """Return a directory for workers, on the disk that this directory is on: a log in memory would sync for nothing."""
    var = Path("var")
    var.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="bench-", dir=var.absolute())


def sync_times(count: int = 200) -> list[float]:
    """Return how long it takes to have a line on the disk, in ms, many times."""
    took = []
    with place() as directory, (Path(directory) / "line").open("ab", buffering=0) as file:
        for _ in range(count):
            file.write(b"x" * 400)
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
    return took


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
