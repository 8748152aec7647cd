"""Claiming a name is done by one request at a time, whatever the number of the wiki's processes."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from moin import current_app

#: Seconds that a first request waits for others', and then for whoever writes to the index.
PATIENCE = 5.0

_PAUSE = 0.01


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the wiki's lock on names.

    It lies beside the index, which every process of the wiki shares.

    Raises:
        TimeoutError: others hold it for too long.
    """
    _, (directory, *_), _ = current_app.cfg.index_storage
    with Path(directory, "site_names.lock").open("a", encoding="utf-8") as file:
        wait_until(lambda: _locks(file))
        yield  # closing the file gives the lock back


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process or thread is about to do.

    Raises:
        TimeoutError: it has not been done in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_PAUSE)


def _locks(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
