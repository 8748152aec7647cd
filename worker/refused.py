"""The events that are written down already: the stream may bring them again."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice

#: Ids sorted together.
PIECE = 65_536


class Refused:
    """A set of event ids in 8 bytes each: after a long outage there can be millions.

    An id is kept as Python's 64-bit hash of it. Two of a million ids are taken for each other once in 37 million times.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        hashes = map(hash, ids)
        # In pieces: sorting makes a Python int of each, five times as large as what is kept.
        self._pieces = [array("q", sorted(piece)) for piece in iter(lambda: list(islice(hashes, PIECE)), [])]

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def __contains__(self, event_id: str) -> bool:
        wanted = hash(event_id)
        for piece in self._pieces:
            place = bisect_left(piece, wanted)
            if place < len(piece) and piece[place] == wanted:
                return True
        return False
