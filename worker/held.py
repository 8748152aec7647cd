"""Ends that were heard of and are not acted upon at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from session_store import Ref

#: Seconds for which an end is left to another worker: longer than it takes until somebody takes over.
KEPT = 4.0

#: Seconds between two looks at what was left to it, so that many ends are looked at together.
TOGETHER = 1.0

#: Ends that are kept; of more, the oldest are forgotten. From half of that on they are looked at early.
MOST = 20_000

#: An end: its reason, and which session.
Heard = tuple[str, Ref]


class Held:
    """Ends with their reasons, oldest first. One thread alone uses it.

    Args:
        clock: seconds that pass.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: deque[tuple[float, Heard]] = deque(maxlen=MOST)

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, ends: Iterable[Heard]) -> None:
        """Keep ends."""
        now = self._clock()
        self._ends.extend((now, end) for end in ends)

    def take_old(self) -> list[Heard]:
        """Take out what was kept for long enough, now and then."""
        now = self._clock()
        full = len(self._ends) > MOST // 2
        if not self._ends or (now < self._ends[0][0] + KEPT + TOGETHER and not full):
            return []
        return self._take(lambda at: now >= at + KEPT or len(self._ends) > MOST // 2)

    def take_all(self) -> list[Heard]:
        """Take out everything."""
        return self._take(lambda _: True)

    def _take(self, wanted: Callable[[float], bool]) -> list[Heard]:
        taken = []
        while self._ends and wanted(self._ends[0][0]):
            taken.append(self._ends.popleft()[1])
        return taken
