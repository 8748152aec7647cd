"""When each shard of a lane is to be asked what is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from session_store.keys import ShardKeys
from session_store.sessions import Due


class Agenda:
    """Knows each shard's next deadline, so that a shard in which nothing is due need not be asked.

    Args:
        shards: the lane's.
        clock: seconds that pass.
    """

    def __init__(self, shards: Sequence[ShardKeys], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shards = shards
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Have all asked at once."""
        self._at = dict.fromkeys(self._shards, float("-inf"))

    def note(self, keys: ShardKeys, due: Due, *, look: float) -> None:
        """Note what a shard answered; it is asked again after `look` seconds at the latest."""
        left = 0.0 if due.refs else look if due.left is None else due.left / 1000
        self._at[keys] = self._clock() + min(look, left)

    def asks(self, keys: ShardKeys) -> bool:
        """Whether a shard is to be asked by now."""
        return self._at[keys] <= self._clock()

    @property
    def left(self) -> float:
        """Seconds until the next one is to be asked; less than nothing where it is late."""
        return min(self._at.values()) - self._clock()
