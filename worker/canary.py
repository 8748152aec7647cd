"""The proof that notifications arrive: a short-lived key of our own, whose end must be heard."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from session_store import Store, StoreUnavailable

from .lane import Lane

#: Seconds of silence after which it sings; some more by chance, so that of several workers one sings, for all of them.
EVERY = 5.0
MORE = 1.0

#: Seconds without hearing it after which the listener is deaf.
DEAF = 14.0

#: Seconds after which it touches the key, so that Redis notices that its time is over.
MOMENT = 0.05

#: Seconds between two looks whether it is to sing, and between two attempts where Redis doesn't answer.
LOOK = 0.2
RETRY = 0.5

_chance = random.SystemRandom()


class Canary:
    """Sets a key that expires at once, and touches it later, so that Redis notices and says so.

    It has a thread of its own, so that a node that doesn't answer keeps nobody from hearing what the others say.

    Args:
        store: the sessions.
        lane: where it sings.
        clock: seconds that pass.

    Attributes:
        answered: when Redis answered it, in seconds by the clock; None where it has not, the last time.
        heard: whether it was heard since the subscription began.
    """

    def __init__(self, *, store: Store, lane: Lane, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = f"canary{lane.label}"
        self.key = lane.shards[0].canary
        self._store = store
        self._clock = clock
        self._sung = self._heard = self._excused = clock()
        self._pause = EVERY
        self._wanted = True
        self._silent = False
        self.answered: float | None = None
        self.heard = False

    def restart(self) -> None:
        """Begin anew: there is a new subscription. Any thread may call this."""
        self.heard, self._heard = False, self._clock()
        self.hurry()

    def hurry(self) -> None:
        """Have it sing soon. Any thread may call this."""
        self._wanted = True

    def step(self) -> float:
        """Sing where it is time to, or touch what was sung."""
        now = self._clock()
        if self._silent:
            self._silent = False
            self._command("EXISTS")
        elif self._wanted or now >= max(self._sung, self._heard) + self._pause:
            self._wanted, self._sung, self._pause = False, now, EVERY + MORE * _chance.random()
            self._silent = self._command("SET", "", "PX", 1)
            return MOMENT if self._silent else RETRY
        return LOOK

    def reset(self) -> None:
        """Sing at the next step."""
        self._wanted, self._silent = True, False

    def hear(self, key: str) -> bool:
        """Note a notification; return whether it was the canary's. Any thread may call this."""
        if key != self.key:
            return False
        self.heard, self._heard = True, self._clock()
        return True

    @property
    def heard_lately(self) -> bool:
        """Whether the last song, or the one before, was heard since the subscription began, if Redis let it sing."""
        return self._clock() - max(self._heard, self._excused) < DEAF

    def _command(self, command: str, *words: str | int) -> bool:
        try:
            self._store.command(command, self.key, *words)
        except StoreUnavailable as error:
            # Whether anybody would have heard it, nobody can tell.
            self._excused = self._clock()
            if "maxmemory" not in str(error):
                self.answered, self._wanted = None, True
                return False
        self.answered = self._clock()
        return True
