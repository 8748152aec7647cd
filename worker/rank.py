"""Which of several workers comes first, and what that means for the others."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

#: Seconds after which nothing follows any more from what Redis said of the others.
STALE = 10.0

#: Seconds after it took over in which it ends what it has heard of; only then it looks for what has gone unheard.
SETTLES = 1.0

#: How many times as long others than the first wait between two looks at what concerns no session in particular.
UNHURRIED = 3.0

_chance = random.SystemRandom()


class Rank:
    """Whether this worker comes first in a lane, or stands by for the one that does.

    The first one sweeps, reconciles, and acts at once on what it hears. If for a while two take themselves for the
    first, that is no harm: each session ends once. Nor if nobody does: then all find the ends, somewhat later.

    Args:
        clock: seconds that pass.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waits_until = self._first_since = float("-inf")
        self._others = False

    def expect(self) -> None:
        """Note that Redis is going to be asked, and stand by until then."""
        self._waits_until = self._clock() + STALE

    def note(self, *, first: bool) -> None:
        """Note what Redis says. Where nobody asks it, this worker comes first."""
        if first and self._others:
            self._first_since = self._clock()
        self._others = not first
        self._waits_until = float("-inf") if first else self._clock() + STALE

    @property
    def stands_by(self) -> bool:
        """Whether another worker comes first, or may."""
        return self._clock() < self._waits_until

    @property
    def comes_later(self) -> bool:
        """Whether another worker is known to come first."""
        return self._others and self.stands_by

    @property
    def settled(self) -> bool:
        """Whether this worker comes first, and has done so for a moment."""
        return not self.stands_by and self._clock() >= self._first_since + SETTLES


def pace(seconds: float, ranks: Sequence[Rank]) -> float:
    """Return the seconds between two looks; where others come first in all lanes, more, and not as many for each."""
    if ranks and all(rank.comes_later for rank in ranks):
        return seconds * UNHURRIED * _chance.uniform(0.9, 1.1)
    return seconds
