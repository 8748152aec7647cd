"""A core for Redis and another for who asks it: else the system may have them share one, or not, and figures jump."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def apart(pid: int) -> Iterator[None]:
    """Keep a server on one core, and this thread, and what it starts, on the others; where there is one, do nothing."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield
        return
    os.sched_setaffinity(pid, cores[:1])
    os.sched_setaffinity(0, cores[1:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
