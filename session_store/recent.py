"""What happened lately, so that it is not done again too soon. Bounded, and cheap where nothing is due."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable

#: Things remembered, twice that at most: about 5 MB of short texts.
MOST = 20_000

_lock = threading.Lock()


def _forget_lock() -> None:
    """Another thread may have held it at the fork; it does not exist here."""
    global _lock  # noqa: PLW0603 - there is one a process
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)


class Recent:
    """Remembers things for a time, in two generations; the next begins when one is full or old. For any thread.

    Of more things than it can hold it forgets the oldest early: then they are done again early, and that is all.

    Args:
        seconds: for how long a thing is recent.
        most: how many things a generation holds.
        clock: seconds that pass.
    """

    def __init__(self, *, seconds: float, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._young: dict[Hashable, float] = {}
        self._old: dict[Hashable, float] = {}
        self._turn = clock() + seconds

    def claim(self, thing: Hashable) -> bool:
        """Return True, at most once in the given time for each thing: to one caller alone."""
        now = self._clock()
        if self._is_recent(thing, now):
            return False
        with _lock:
            if self._is_recent(thing, now):
                return False
            self._note(thing, now)
        return True

    def holds(self, thing: Hashable) -> bool:
        """Whether a thing is recent; nothing is noted."""
        return self._is_recent(thing, self._clock())

    def note(self, thing: Hashable) -> None:
        """Remember a thing from now on, whether or not it was recent."""
        with _lock:
            self._note(thing, self._clock())

    def forget(self, thing: Hashable) -> None:
        """Let a thing be done again at once."""
        with _lock:
            self._young.pop(thing, None)
            self._old.pop(thing, None)

    def _is_recent(self, thing: Hashable, now: float) -> bool:
        return now < self._young.get(thing, 0.0) or now < self._old.get(thing, 0.0)

    def _note(self, thing: Hashable, now: float) -> None:
        if len(self._young) >= self._most or now >= self._turn:
            self._old, self._young = self._young, {}
            self._turn = now + self._seconds
        self._young[thing] = now + self._seconds
