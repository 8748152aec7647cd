"""Forgets over how many shards users were spread at some time: the shards are looked after as long as that is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from session_store import Store, verbs
from session_store.layouts import is_needed

#: Seconds between two looks.
EVERY = 3600.0

#: Seconds between two pages of a look.
PACE = 0.1

#: Milliseconds after which a number of shards that no site has noted is taken to be in use no more. A site that opens
#: sessions notes it once a minute.
UNUSED = 3_600_000

_log = logging.getLogger(__name__)


class Forgetter:
    """Forgets a number of shards that no site spreads users over any more, once no session needs it to be found.

    A look takes what no site has noted for an hour: so all that was opened by it is there when the look begins. It is
    forgotten only if it hasn't been noted until the look has ended. Any number of workers may do this at once.

    Args:
        store: the sessions.
    """

    name = "forgetter"

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._look: Iterator[None] | None = None

    def step(self) -> float:
        """Look at a page; return the seconds until the next one, or until the next look."""
        self._look = self._look or self._forget_one()
        for _ in self._look:
            return PACE
        self._look = None
        return EVERY

    def reset(self) -> None:
        """Begin anew."""
        self._look = None

    def _forget_one(self) -> Iterator[None]:
        """Forget a number that isn't needed, the largest if there are several; others may be needed once it is gone."""
        store = self._store
        notes = {layout: at for layout, at in (store.run(verbs.layouts(store.keys)) or {}).items() if at > 0}
        last = store.run(verbs.server_time(store.keys.shards[0])) - UNUSED
        for layout in sorted((layout for layout, at in notes.items() if at < last), reverse=True):
            others = notes.keys() - {layout}
            needed = False
            for needed in is_needed(store, layout, others):
                yield
                if needed:
                    break
            if not needed and store.run(verbs.forget_layout(store.keys, layout, notes[layout], others)):
                _log.info("nothing is left of when users were spread over %d shards: that is forgotten", layout)
                return
