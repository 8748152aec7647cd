"""How evenly shards lie on the primaries of a cluster: a shard's slot follows from its number, and can't be chosen."""

from __future__ import annotations

from collections import Counter
from functools import cache

from redis.crc import key_slot

from session_store.keys import MAX_SHARDS

#: How many slots every cluster has.
SLOTS = 16_384

#: How much more than the mean the fullest primary may get.
UNEVEN = 1.25

#: Shards a primary, at least, before it is looked how evenly they lie: so that some can move to a new primary.
LEAST = 4


@cache
def unevenness(shards: int, primaries: int) -> float:
    """Return how much more than the mean the fullest primary has, where all have as many slots."""
    slots = (key_slot(f"{number}".encode()) for number in range(shards))
    return max(Counter(slot * primaries // SLOTS for slot in slots).values()) * primaries / shards


def shards_for(primaries: int) -> int | None:
    """Return how many shards spread sessions evenly enough, a power of two where that will do; None: no number does."""
    if primaries == 1:
        return 1
    powers = [2**power for power in range(MAX_SHARDS.bit_length()) if 2**power <= MAX_SHARDS]
    for shards in [*powers, MAX_SHARDS]:
        if shards >= LEAST * primaries and unevenness(shards, primaries) <= UNEVEN:
            return shards
    return None
