"""At most one of a kind in a while: for log lines that hostile or broken input could repeat for ever."""

from __future__ import annotations

import time
from collections.abc import Callable


class Throttle:
    """Says whether a thing of a kind may happen again; kinds are few and named in the code."""

    def __init__(self, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: dict[str, float] = {}

    def allows(self, kind: str) -> bool:
        """Return True, at most once in the given time for each kind."""
        now = self._clock()
        if now - self._last.get(kind, float("-inf")) < self._seconds:
            return False
        self._last[kind] = now
        return True
