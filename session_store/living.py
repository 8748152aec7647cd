"""What Redis holds as living, against what is known to have ended: Redis may have gone back to older data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .keys import SID, ShardKeys
from .sessions import Ref
from .store import Store

#: Sessions looked at together.
PAGE = 500


def bury_ended(
    store: Store, reasons_of: Callable[[list[str]], Mapping[str, str]], shards: Sequence[ShardKeys] | None = None
) -> int:
    """Remove from Redis what has ended, without a word in the stream; return how many lived again.

    Args:
        store: whose sessions.
        reasons_of: says of some sids which have ended, and why; it is asked about `PAGE` at most.
        shards: in which of them; by default in all.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    buried = 0
    for keys in store.keys.shards if shards is None else shards:
        for sids in _pages(store, keys):
            reasons = reasons_of(sids)
            if reasons:
                buried += store.bury((Ref(keys.number, sid), reason) for sid, reason in reasons.items())
    return buried


def _pages(store: Store, keys: ShardKeys) -> Iterator[list[str]]:
    """Return the sids of a shard's index: each that is there all the while, at least once."""
    cursor: int | bytes = 0
    while True:
        cursor, found = store.command("ZSCAN", keys.sessions, cursor, "COUNT", PAGE)
        sids = [sid for member, _ in found if SID.fullmatch(sid := member.decode("utf-8", "replace"))]
        for first in range(0, len(sids), PAGE):
            yield sids[first : first + PAGE]
        if int(cursor) == 0:
            return
