"""At most one of a kind in a while: for log lines that hostile or broken input could repeat for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

#: How many kinds are told apart: a bound for memory where kinds come from what is met.
KINDS = 1000


class Throttle:
    """Says whether a thing of a kind may happen again. It remembers `KINDS` of them, then begins anew."""

    def __init__(self, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: dict[str, float] = {}

    def allows(self, kind: str) -> bool:
        """Return True, at most once in the given time for each kind."""
        now = self._clock()
        if len(self._last) >= KINDS:
            self._last.clear()
        if now - self._last.get(kind, float("-inf")) < self._seconds:
            return False
        self._last[kind] = now
        return True
