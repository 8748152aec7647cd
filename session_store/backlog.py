"""How far an audit reader has come, seen from outside."""

from __future__ import annotations

from collections.abc import Sequence

from .audit import order
from .keys import ShardKeys
from .store import Store

#: The position of a reader that has stored nothing, and the end of a stream that holds nothing.
BEGINNING = "0-0"

#: Entries waiting in the streams from which on something is wrong: a reader doesn't store what it should.
TOO_MANY = 100_000


def ends_of_streams(store: Store, shards: Sequence[ShardKeys] | None = None) -> dict[ShardKeys, str]:
    """Return the id of the last entry of each shard's stream.

    Args:
        store: whose streams.
        shards: which; by default all.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    wanted = store.keys.shards if shards is None else shards
    rows = {keys: store.command("XREVRANGE", keys.audit, "+", "-", "COUNT", 1) for keys in wanted}
    return {keys: found[0][0].decode() if found else BEGINNING for keys, found in rows.items()}


def has_stored(store: Store, reader: str, ends: dict[ShardKeys, str]) -> bool:
    """Whether a reader has stored everything up to some entries.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    return all(order(_position(store, keys, reader)) >= order(end) for keys, end in ends.items())


def _position(store: Store, keys: ShardKeys, reader: str) -> str:
    kept: bytes = store.command("HGET", keys.readers, reader) or BEGINNING.encode()
    return kept.decode().partition(" ")[0]
