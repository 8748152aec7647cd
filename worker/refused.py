"""The events that are written down already: the stream may bring them again."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable


class Refused:
    """A set of event ids in 8 bytes each: after a long outage there can be millions.

    An id is kept as Python's 64-bit hash of it. Two of a million ids are taken for each other once in 37 million times.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._hashes = array("q", sorted(array("q", map(hash, ids))))

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, event_id: str) -> bool:
        wanted = hash(event_id)
        place = bisect_left(self._hashes, wanted)
        return place < len(self._hashes) and self._hashes[place] == wanted
