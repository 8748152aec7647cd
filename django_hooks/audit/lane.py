"""A lane of the stream as the follower reads it: shards whose node may be down while the others' go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from session_store import Store, StoreUnavailable
from session_store.audit import AuditReader, Batch
from session_store.backlog import ends_of_streams, has_stored
from session_store.inbox import Inbox
from session_store.keys import ShardKeys
from session_store.living import bury_ended

#: Seconds for which a lane that can't be reached is left alone, while there are others.
PAUSE = 0.5

#: Seconds between two looks whether Redis still knows the reader, while nothing comes.
LOOK = 5.0

_log = logging.getLogger(__name__)


class Lane:
    """A reader, attached or not. Every method that asks Redis may raise `StoreUnavailable`.

    Attributes:
        shards: which it reads.

    Args:
        store: whose stream.
        shards: which of its shards.
        name: the reader's.
        wait: seconds that a step of the follower waits for something to come.
    """

    def __init__(self, store: Store, shards: tuple[ShardKeys, ...], name: str, *, wait: float) -> None:
        self.shards = shards
        self._store = store
        self._name = name
        self._wait = wait
        self._reader: AuditReader | None = None
        self._looked = 0.0
        self._away_since: float | None = None
        self._paused_until = 0.0

    @property
    def attached(self) -> bool:
        """Whether it is read, as far as is known."""
        return self._reader is not None

    @property
    def inbox(self) -> Inbox | None:
        """Where entries arrive."""
        return self._reader.inbox if self._reader else None

    @property
    def paused(self) -> bool:
        """Whether it is left alone for a moment."""
        return time.monotonic() < self._paused_until

    def attach(self, reasons_of: Callable[[list[str]], Mapping[str, str]]) -> None:
        """Attach, unless that is done; `reasons_of` says which sessions have ended: they are not to live."""
        if self._reader is not None:
            return
        reader = AuditReader(self._store, self._name, shards=self.shards, wait=self._wait)
        reader.attach()
        buried = bury_ended(self._store, reasons_of, self.shards)
        if buried:
            _log.warning("Redis has gone back: %d sessions had ended already and are ended again", buried)
        self._reader, self._looked = reader, time.monotonic()
        if self._away_since is not None:
            _log.info("%s goes on after %.1f s", self._label, time.monotonic() - self._away_since)
            self._away_since = None

    def read(self) -> list[Batch]:
        """Return what has come, and ask for more; don't wait."""
        return self._reader.read(wait=0.0) if self._reader else []

    def acknowledge(self, batch: Batch) -> bool:
        """Note in Redis that a batch is stored. False: attach again."""
        return self._reader is not None and self._reader.acknowledge(batch)

    def still_attached(self) -> bool:
        """Look now and then whether Redis was emptied, or went back, while nothing came."""
        if self._reader is None or time.monotonic() - self._looked < LOOK:
            return True
        self._looked = time.monotonic()
        return self._reader.attached()

    def waits(self) -> bool:
        """Whether there is something to store."""
        return not has_stored(self._store, self._name, ends_of_streams(self._store, self.shards))

    def pause(self, error: StoreUnavailable) -> None:
        """Leave it alone for a moment: it can't be reached."""
        self.reset()
        self._paused_until = time.monotonic() + PAUSE
        if self._away_since is None:
            self._away_since = time.monotonic()
            _log.warning("%s waits: %s", self._label, error)

    def reset(self) -> None:
        """Forget the reader: the next step attaches anew."""
        self._paused_until = 0.0
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    @property
    def _label(self) -> str:
        return "shard " + ", ".join(str(keys.number) for keys in self.shards)
