"""Keeps who is online true: forgets who was not seen for long, and takes off whose last session has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice

from session_store import UNWANTED, Store, verbs
from session_store.events import Event
from session_store.presence import BATCH, forget_member, tidy_online

#: Seconds between two looks at what has ended: "at once", for people.
LOOK = 0.25

#: Seconds between two times that it tidies up; in between, whether any site counts visitors is not asked either.
TIDY = 10.0

#: Users whose sessions have ended and who wait to be looked at. Where more have, they age out.
MOST = 10_000


class PresencePruner:
    """Prunes. Nothing here must be sure: whoever is missed is gone when not seen for long.

    Args:
        store: the sessions, and who is online.
        clock: seconds that pass.
    """

    name = "presence"

    def __init__(self, *, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._tidy_at = 0.0
        self._used = False
        self._lock = threading.Lock()
        self._ended: dict[str, int] = {}

    def note(self, events: Sequence[Event]) -> None:
        """Take in what was audited. Any thread may call this."""
        if not self._used:
            return
        # Where Redis only lost a session, its user is still there.
        ends = (event for event in events if event.record and event.action == "end" and event.reason not in UNWANTED)
        with self._lock:
            for event in islice(ends, MOST - len(self._ended)):
                assert event.record is not None  # noqa: S101 - for the type checker
                self._ended[event.record.person.user_id] = event.at

    def step(self) -> float:
        """Tidy up where that is due, and look at who has left; return the seconds until the next step."""
        if self._clock() >= self._tidy_at:
            self._tidy()
        self._forget()
        return max(0.0, min(LOOK if self._used else TIDY, self._tidy_at - self._clock()))

    def reset(self) -> None:
        """Look at once whether there is something to tidy up."""
        self._tidy_at = 0.0

    def _tidy(self) -> None:
        forgotten = self._store.run(tidy_online(self._store.keys.online, window=None))
        self._used = forgotten is not None
        # More may be left where a whole batch was forgotten.
        self._tidy_at = self._clock() + (TIDY if (forgotten or 0) < BATCH else LOOK)

    def _forget(self) -> None:
        with self._lock:
            ended = dict(islice(self._ended.items(), BATCH))
            for user in ended:
                del self._ended[user]
        if not ended:
            return
        keys = self._store.keys
        asked = [(user, shard) for user in ended for shard in keys.homes(user)]
        answers = self._store.run_all([verbs.list_user(shard, user, 1) for user, shard in asked])
        living = {user for (user, _), sessions in zip(asked, answers, strict=True) if sessions}
        gone = [user for user in ended if user not in living]
        self._store.run_all([forget_member(keys.online, user, seen_by=ended[user]) for user in gone])
