"""TERM and INT ask a long-running process to stop; a second one does not wait."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: The exit code of a process that was told twice.
IMPATIENT = 130


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that the first TERM or INT sets; afterwards the old handlers are back."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(IMPATIENT)
        stop.set()

    old = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
