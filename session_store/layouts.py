"""Whether a number of shards, over which users are or were spread, must still be known for all sessions to be found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import verbs
from .keys import Keys, ShardKeys
from .records import user_of
from .store import Store

#: Records looked at together.
PAGE = 500


def is_needed(store: Store, layout: int, others: Iterable[int]) -> Iterator[bool]:
    """Look, page by page, for what is only where a number of shards puts it; the caller may stop at the first True.

    Where nothing is opened by that number meanwhile, and no page says True, who knows the others finds everything.

    Args:
        store: the sessions.
        layout: the number.
        others: the other numbers that everybody knows; one shard is always among them.
    """
    rest = Keys(store.keys.prefix)
    rest.learn(dict.fromkeys(others, 1))
    for number in range(len(rest.shards), layout):
        yield not store.run(verbs.is_deserted(ShardKeys(rest.prefix, number)))
    for shard in rest.shards:
        for records in _pages(store, shard):
            yield not all(_is_at_home(rest, shard, raw) for raw in records)


def _is_at_home(keys: Keys, shard: ShardKeys, raw: bytes) -> bool:
    """Whether a session is found by who knows its user; where nobody can say whose it is, it counts as not."""
    user_id = user_of(raw)
    return user_id is not None and shard in keys.homes(user_id)


def _pages(store: Store, keys: ShardKeys) -> Iterator[list[bytes]]:
    """Return a shard's records: each that is there all the while, at least once.

    Where the shard moves meanwhile, the last page is nobody's: another server doesn't know how far this one has come.
    """
    node = store.link.node_of(keys.records).name
    cursor: int | bytes = 0
    while True:
        cursor, found = store.command("HSCAN", keys.records, cursor, "COUNT", PAGE)
        yield list(found.values() if isinstance(found, dict) else found[1::2])
        if int(cursor) == 0:
            return
        if store.link.node_of(keys.records).name != node:
            yield [b""]
            return
