"""One of several processes that could do the same job does it; the others stand by."""

from __future__ import annotations

import os
import secrets
import socket
import time

from . import verbs
from .store import Store

#: Seconds after which the lease of a process that says nothing is free. Longer than a step of any job takes.
LASTS = 6.0


class Lease:
    """A lease in Redis. It only keeps processes from working against each other: whoever loses Redis may hold it twice.

    Every method may raise `StoreUnavailable`.
    """

    def __init__(self, store: Store, job: str, *, lasts: float = LASTS) -> None:
        """Prepare a lease.

        Args:
            store: whose Redis.
            job: what for; one holder each.
            lasts: seconds after which it is free where its holder has not asked again.
        """
        self._store = store
        self._key = store.keys.shards[0].job(job)  # in the first shard: a job is done for all
        self._lasts = lasts
        self._asked = float("-inf")
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.holder = ""

    @property
    def held(self) -> bool:
        """Whether this process held it when it last asked."""
        return self.holder == self.owner

    def hold(self) -> bool:
        """Take it, or keep it; whether that went well. While held, Redis is asked only when a quarter of it is over."""
        if not self.held or time.monotonic() - self._asked > self._lasts / 4:
            asked = time.monotonic()
            self.holder = self._store.run(verbs.hold(self._key, self.owner, int(self._lasts * 1000)))
            self._asked = asked
        return self.held

    def doubt(self) -> None:
        """Have the next `hold` ask Redis: something says that another one has it."""
        self._asked = float("-inf")

    def release(self) -> None:
        """Give it back, where this process holds it."""
        if self.held:
            self.holder = self._store.run(verbs.hold(self._key, self.owner, 0))
