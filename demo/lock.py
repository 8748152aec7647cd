"""One demo a directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DemoError


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file, which names this process, for as long as the block lasts; it is free again however we end.

    Raises:
        DemoError: another process holds it.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            where = f"A demo already runs in {path.parent} (process {holder})."
            raise DemoError(f"{where} Stop it with Ctrl-C, or set DEMO_VAR and ports for another.") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
