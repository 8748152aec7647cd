"""The proof that notifications arrive: a short-lived key of our own, whose end must be heard."""

from __future__ import annotations

import time
from collections.abc import Callable

from session_store import Store, StoreUnavailable

#: Seconds between two songs.
EVERY = 5.0

#: Seconds without hearing it after which the listener is deaf.
DEAF = 14.0


class Canary:
    """Sets a key that expires at once, and touches it later, so that Redis notices and says so."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._keys = [keys.canary for keys in store.keys.shards[:1]]
        self._clock = clock
        self._sung = self._heard = clock()
        self._silent = False
        self.pattern = store.keys.canary_pattern

    def restart(self) -> None:
        """Begin anew: there is a new subscription."""
        self._sung, self._heard, self._silent = 0.0, self._clock(), False

    def sing(self) -> None:
        """Set the key where it is time to, and touch the one that was set before."""
        now = self._clock()
        if self._silent:
            self._silent = False
            self._command("EXISTS")
        elif now - self._sung >= EVERY:
            self._sung, self._silent = now, True
            self._command("SET", "", "PX", 1)

    def hear(self, key: str) -> bool:
        """Note a notification; return whether it was the canary's."""
        if key not in self._keys:
            return False
        self._heard = self._clock()
        return True

    @property
    def heard_lately(self) -> bool:
        """Whether the last song, or the one before, was heard since the subscription began."""
        return self._clock() - self._heard < DEAF

    def _command(self, command: str, *words: str | int) -> None:
        for key in self._keys:
            try:
                self._store.command(command, key, *words)
            except StoreUnavailable as error:
                # At maxmemory Redis refuses to set it; that says nothing about notifications.
                if "maxmemory" in str(error):
                    self._heard = self._clock()
