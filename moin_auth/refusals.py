"""Who got no profile just now: to know that takes a look at all profiles under the lock, so it counts for a while."""

from __future__ import annotations

import time

from .names import NameRefused

#: Seconds for which a process believes it; after that, what an admin has changed is seen.
SECONDS = 5.0

#: How many are remembered: a bound for memory.
MOST = 1000


class Refusals:
    """Remembers refusals, of a user id and a name each; with `MOST` of them, it begins anew."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    def note(self, user_id: str, name: str, reason: str = "") -> None:
        """Take in that a user got no profile of a name, and why; without a reason: there is none for newcomers."""
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[user_id, name] = (time.monotonic() + SECONDS, reason)

    def stands(self, user_id: str, name: str) -> bool:
        """Whether there is no profile for a user, as was found out just now.

        Raises:
            NameRefused: the name was refused.
        """
        until, reason = self._known.get((user_id, name), (0.0, ""))
        if time.monotonic() >= until:
            return False
        if reason:
            raise NameRefused(reason)
        return True
