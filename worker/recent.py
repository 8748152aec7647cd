"""What the sweeper has just found due: Redis tells of those ends too, and nobody needs to look at them again."""

from __future__ import annotations

from collections.abc import Iterable

from session_store import Ref

#: Sessions that are remembered, at least; a notification follows its end within moments.
KEPT = 5000


class Recent:
    """The last few thousand sessions. One thread adds, another asks."""

    def __init__(self) -> None:
        self._older: set[str] = set()
        self._newer: set[str] = set()

    def add(self, refs: Iterable[Ref]) -> None:
        """Remember sessions, and forget those that were added longest ago."""
        if len(self._newer) >= KEPT:
            self._older, self._newer = self._newer, set()
        self._newer.update([ref.sid for ref in refs])

    def __contains__(self, sid: str) -> bool:
        return sid in self._newer or sid in self._older
