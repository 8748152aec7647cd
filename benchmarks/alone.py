"""Measurements that need a process of their own, because they set up a framework: they print their figures as JSON."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.servers import RedisServer
from tests.worker.processes import environment

from .cores import apart
from .sizes import Scale


def figures_of(module: str, scale: Scale) -> dict[str, float]:
    """Run a module on a server of its own and return what it prints."""
    with RedisServer() as server, apart(server.pid):
        done = subprocess.run(
            [sys.executable, "-m", module, server.url, str(scale.calls)],
            env=environment(server.url),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-4000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
