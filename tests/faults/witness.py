"""A reader of the audit streams that stores nothing, so that they keep all that has reached the surviving servers."""

from __future__ import annotations

from session_store import Store, verbs
from session_store.audit import AuditReader
from session_store.keys import ShardKeys

#: What it is called in Redis.
NAME = "witness"


class Witness:
    """Keeps the streams from being trimmed until it is dismissed; then it says what they held.

    For failovers in which, for a moment, two servers take writes: afterwards only the streams tell what was kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        AuditReader(store, NAME).attach()

    def waits_for_others(self) -> bool:
        """Whether another reader has not stored yet what is there."""
        return not all(self._is_stored(keys) for keys in self._store.keys.shards)

    def dismiss(self) -> set[str]:
        """Let the streams be trimmed; return the sids of all sessions whose beginning had reached them."""
        found: set[str] = set()
        for keys in self._store.keys.shards:
            entries = self._store.command("XRANGE", keys.audit, "-", "+")
            found |= {fields[b"sid"].decode() for _, fields in entries if fields[b"action"] == b"start"}
            self._store.run(verbs.forget_reader(keys, NAME))
        return found

    def _is_stored(self, keys: ShardKeys) -> bool:
        rows = self._store.command("XREVRANGE", keys.audit, "+", "-", "COUNT", 1)
        positions = self._store.command("HGETALL", keys.readers)
        stored = [value.split(b" ")[0] for name, value in positions.items() if name != NAME.encode()]
        return not rows or all(position == rows[0][0] for position in stored)
