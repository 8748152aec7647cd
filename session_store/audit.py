"""Reading the stream of starts and ends, entry by entry, until each is stored durably elsewhere."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from . import verbs
from .connections import client, server_name
from .errors import BadRecord, StoreUnavailable
from .events import Event, parse_entry
from .keys import ShardKeys
from .store import Store

#: Entries read at once: a bound for memory, and enough for one fsync to be shared by many.
BATCH = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries read together.

    Attributes:
        events: those that could be read, in order.
        last: the id of the last entry, readable or not.
    """

    keys: ShardKeys
    events: list[Event]
    last: str


class AuditReader:
    """One reader of the stream, with a name under which Redis keeps its position.

    A batch that is read but not acknowledged is read again by the next reader of that name.
    """

    def __init__(self, store: Store, name: str, *, wait: float = 1.0) -> None:
        """Attach to every shard's stream.

        Args:
            store: whose stream.
            name: the reader's; a new one begins at the oldest entry.
            wait: seconds for which `read` waits for something to come.
        """
        self._store = store
        self._name = name
        self._wait_ms = int(wait * 1000)
        self._redis = client(store.config, patience=wait + store.config.redis_timeout)
        self._token = secrets.token_urlsafe(9)
        self._by_stream = {keys.audit.encode("utf-8", "surrogateescape"): keys for keys in store.keys.shards}
        self._positions = {keys.audit: self._attach(keys) for keys in store.keys.shards}

    def read(self, count: int = BATCH) -> list[Batch]:
        """Wait for entries and return them, a batch for each shard that has any.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        try:
            answer: Any = self._redis.xread({**self._positions}, count=count, block=self._wait_ms)  # type: ignore[dict-item] # a str is a key
        except RedisError as error:
            raise StoreUnavailable(server_name(self._store.config.redis_url), str(error)) from error
        pairs: Iterable[tuple[bytes, Any]] = answer.items() if isinstance(answer, dict) else answer or ()
        return [self._batch(self._by_stream[stream], entries) for stream, entries in pairs if entries]

    def acknowledge(self, batch: Batch) -> bool:
        """Note in Redis that everything up to the batch's last entry is stored.

        Return False where another reader has taken the name or the stream is not what it was: attach again.
        """
        call = verbs.acknowledge(batch.keys, self._name, self._token, batch.last, "")
        if not self._store.run(call):
            return False
        self._positions[batch.keys.audit] = batch.last
        return True

    def _attach(self, keys: ShardKeys) -> str:
        position, _base, last = self._store.run(verbs.attach(keys, self._name, self._token))
        _log.debug("reader %s of %s starts after %s of %s", self._name, keys.audit, position, last)
        return position

    def _batch(self, keys: ShardKeys, entries: Any) -> Batch:
        # RESP3 wraps the entries of a stream in a list of their own.
        rows = entries[0] if entries and isinstance(entries[0], list) else entries
        events = []
        for position, fields in rows:
            try:
                events.append(parse_entry(position, fields, keys.audit))
            except BadRecord as error:
                _log.error("%s; it is passed over", error)
        return Batch(keys, events, rows[-1][0].decode())
