"""Ctrl-C and its relatives, as something to wait for."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self

#: Ctrl-C, a polite kill, a closed terminal.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While entered, a stopping signal is noted instead of ending the process; the old handlers come back after.

    Attributes:
        received: whether one came.
    """

    def __init__(self) -> None:
        self.received = False
        self._old: dict[signal.Signals, Any] = {}
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)

    def __enter__(self) -> Self:
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno())
        self._old = {number: signal.signal(number, self._note) for number in STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> bool:
        """Wait for so long, or until a signal comes; return whether one has come."""
        if not self.received and select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(64)
        return self.received

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True
