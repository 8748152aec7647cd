"""Reading the stream of starts and ends, entry by entry, until each is stored durably elsewhere.

What is read but not acknowledged is read again. Redis may lose what it knew (a crash, a failover, an older dump), and
with it the stream's ids begin again below those already read. So a reader's position is kept in Redis, to be rolled
back together with the stream, and beside it a base: the id of an event that the reader has stored. Whoever attaches
refuses the events that it finds stored after its base.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from . import verbs
from .entries import events_of
from .errors import BadRecord
from .events import Event
from .inbox import Inbox, Row
from .keys import ShardKeys
from .scripts import Call
from .store import Store
from .throttle import Throttle

#: Events of a batch, and entries asked for at once: a bound for memory, and enough for one fsync to be shared by many.
BATCH = 1000

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


@dataclass(frozen=True, slots=True)
class Attachment:
    """What Redis knows of a reader in one shard.

    Attributes:
        position: the id of the last entry that it has stored; ``0-0`` for a new reader.
        base: the id of an event that it has stored, or empty.
        last: the id of the stream's last entry at that moment.
    """

    keys: ShardKeys
    position: str
    base: str
    last: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored together.

    Attributes:
        events: those that could be read, in order.
        last: the id of the last entry, readable or not.
    """

    keys: ShardKeys
    events: list[Event]
    last: str


def order(position: str) -> tuple[int, int]:
    """Return a stream id as numbers that can be compared."""
    ms, _, sequence = position.partition("-")
    return int(ms), int(sequence)


class AuditReader:
    """One reader of the stream, with a name under which Redis keeps its position. Attach before anything else.

    Every method may raise `StoreUnavailable`.

    Attributes:
        name: the reader's.
        inbox: where entries arrive.
    """

    def __init__(
        self, store: Store, name: str, *, shards: Sequence[ShardKeys] | None = None, wait: float = 1.0
    ) -> None:
        """Prepare a reader.

        Args:
            store: whose stream.
            name: the reader's; a new one begins at the oldest entry.
            shards: which streams it reads, of one lane; by default all.
            wait: seconds for which `read` waits for something to come.
        """
        self._store = store
        self.name = name
        self.inbox = Inbox(store, wait=wait)
        self._token = ""
        self._shards = tuple(store.keys.shards if shards is None else shards)
        self._by_stream = {keys.audit.encode(): keys for keys in self._shards}
        self._positions: dict[str, str] = {}
        self._rows: dict[str, deque[Row]] = {}
        self._given: dict[str, str] = {}

    def attach(self) -> list[Attachment]:
        """Become the one reader of this name, in every one of its shards."""
        self.close()
        self._token = secrets.token_urlsafe(9)
        attachments = [self._attach(keys) for keys in self._shards]
        self._positions = {attachment.keys.audit: attachment.position for attachment in attachments}
        return attachments

    def attached(self) -> bool:
        """Whether Redis still knows this reader as it is: nobody has taken its name, and nothing was lost."""
        for keys in self._shards:
            kept = self._store.command("HGET", keys.readers, self.name) or b""
            if kept.decode().split(" ")[:2] != [self._positions[keys.audit], self._token]:
                return False
        return True

    def last(self, keys: ShardKeys) -> str:
        """Return the id of a stream's last entry, ``0-0`` where there is none."""
        rows = self._store.command("XREVRANGE", keys.audit, "+", "-", "COUNT", 1)
        return rows[0][0].decode() if rows else "0-0"

    def read(self, count: int = BATCH, *, wait: float | None = None) -> list[Batch]:
        """Wait for entries and return what they say, a batch for each shard that has any.

        What follows is asked for at once, so that Redis prepares it while these are read and stored. What was not
        acknowledged comes again.

        Args:
            count: how many events of a shard; the last entry's are all there, so there may be some more.
            wait: seconds to wait this time.
        """
        if not self._rows or any(self._positions[stream] != self._given[stream] for stream in self._rows):
            self._take(count, wait)
        return [self._batch(self._by_stream[stream.encode()], self._rows[stream], count) for stream in list(self._rows)]

    def close(self) -> None:
        """Close its connection; the next `read` makes another."""
        self._rows = {}
        self.inbox.close()

    def acknowledge(self, batch: Batch, *, base: str = "") -> bool:
        """Note in Redis that everything up to the batch's last entry is stored.

        Args:
            batch: what is stored.
            base: the id of an event that is stored, where nothing in the stream can repeat what was stored before it.

        Returns:
            False where another reader has taken the name or the stream is not what it was: attach again.
        """
        return self.acknowledge_all([(batch, base)]) == [True]

    def acknowledge_all(self, stored: Sequence[tuple[Batch, str]]) -> list[bool]:
        """Note the same of several shards' batches, each with its base, in one round trip; each counts by itself."""
        noted: list[bool] = self._store.run_all([self._acknowledgement(*each) for each in stored])
        for (batch, _), good in zip(stored, noted, strict=True):
            if good:
                self._positions[batch.keys.audit] = batch.last
        return noted

    def rebase(self, keys: ShardKeys, base: str) -> bool:
        """Move the base of a shard where nothing is waiting to be read. False: attach again."""
        return self._store.run(verbs.rebase(keys, self.name, self._token, self._positions[keys.audit], base))

    def _acknowledgement(self, batch: Batch, base: str) -> Call[bool]:
        position = self._positions[batch.keys.audit]
        return verbs.acknowledge(batch.keys, self.name, self._token, position, batch.last, base=base)

    def _attach(self, keys: ShardKeys) -> Attachment:
        return Attachment(keys, *self._store.run(verbs.attach(keys, self.name, self._token)))

    def _take(self, count: int, wait: float | None) -> None:
        """Have entries, and ask for those that follow."""
        self._rows = {}
        found = self.inbox.take(self._positions, count, wait)
        if found:
            last = {stream.decode(): rows[-1][0].decode() for stream, rows in found}
            self.inbox.ask(self._positions | last, count)
        self._rows = {stream.decode(): deque(rows) for stream, rows in found}

    def _batch(self, keys: ShardKeys, rows: deque[Row], count: int) -> Batch:
        """Take a batch from entries that are there."""
        events: list[Event] = []
        while rows and len(events) < count:
            position, words = rows.popleft()
            try:
                fields = dict(zip(words[::2], words[1::2], strict=True)) if words else None
                events += events_of(position, fields, keys.audit)
            except BadRecord as error:
                if _throttle.allows("entry"):
                    _log.error("%s; it is passed over", error)
        self._given[keys.audit] = last = position.decode()
        if not rows:
            del self._rows[keys.audit]
        return Batch(keys, events, last)
