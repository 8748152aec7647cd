"""The third way of knowing: index, records and keys are held against each other, both ways."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from session_store import Store, verbs
from session_store.keys import ShardKeys
from session_store.reconcile import Page, reconcile_index, reconcile_rest, reconcile_thoroughly

from .lane import Lane
from .report import Report

#: Seconds from one page to the next while nothing is suspected. A million sessions are 1,000 pages of the sorted set
#: and 250 of the rest between them: 588 s, where ten minutes are promised. All of the rest, some 1,400 pages, is
#: looked at within the hour.
PACE = 0.47

#: Seconds between two pages at least, where Redis takes long for one.
LEAST = PACE / 2

#: Pages of the sorted set for each page of the rest: sessions go missing, strays hardly ever appear.
SHARE = 4

#: Ends that a script looks at.
PRUNED = 2000

#: Ends are kept until their deadline, and these ms longer: the site's own session may last a minute more than ours.
KEEP_ENDED = 300_000

_log = logging.getLogger(__name__)


class Reconciler:
    """Passes over a lane's shards again and again: slowly as a rule, at once where events may have been missed.

    Args:
        store: the sessions.
        lane: which of them; while it is behind, to look for more would only delay what is due.
        report: where ends are counted.
        clock: seconds that pass.
    """

    def __init__(
        self, *, store: Store, lane: Lane, report: Report, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = f"reconciler{lane.label}"
        self._store = store
        self._lane = lane
        self._report = report
        self._hurry = threading.Event()
        self._hurry.set()
        self._hurried = False
        self._clock = clock
        self._next = 0.0
        self._pass: Iterator[Page] | None = None
        self._rest: Iterator[Page] = iter(())

    def hurry(self) -> None:
        """Begin a new pass now and make no pauses in it. Any thread may call this."""
        self._hurry.set()

    def step(self) -> float:
        """Look at a page, unless another worker does."""
        if self._lane.rank.stands_by:
            # It takes over when that one has died, and then something may have been missed.
            self._hurry.set()
        if self._lane.behind.is_set() or not self._lane.rank.settled:
            return self._pause()
        if self._pass is None or self._hurry.is_set():
            self._begin()
        assert self._pass is not None  # noqa: S101 - for the type checker
        page = next(self._pass, None)
        if page is None:
            self._finish()
        else:
            self._report.ended(page.ends)
        return 0.0 if self._hurried else self._pause()

    def reset(self) -> None:
        """Begin anew, in a hurry: Redis was away, events may have been missed."""
        self._hurry.set()

    def _pause(self) -> float:
        """Return the seconds until the next page; what this one came late is made up for."""
        now = self._clock()
        self._next = max(self._next + PACE, now + LEAST)
        return self._next - now

    def _begin(self) -> None:
        self._hurried = self._hurry.is_set()
        self._hurry.clear()
        self._pass = self._whole() if self._hurried else self._slow()

    def _finish(self) -> None:
        if self._hurried:
            live = sum(self._store.run_all([verbs.count(keys) for keys in self._lane.shards]))
            place = f" shard{self._lane.label}" if self._lane.label else ""
            _log.info("reconciled%s: %d sessions live", place, live)
        self._hurried = False
        self._pass = None

    def _whole(self) -> Iterator[Page]:
        """Hold everything against what it should be."""
        for keys in self._lane.shards:
            yield from reconcile_thoroughly(self._store, keys)
            yield from self._prune(keys)

    def _slow(self) -> Iterator[Page]:
        """Pass over the sorted sets, and do a share of the rest, which goes on in the next pass where it was."""
        pages = (page for keys in self._lane.shards for page in reconcile_index(self._store, keys))
        for number, page in enumerate(pages, start=1):
            yield page
            if number % SHARE == 0:
                yield self._next_of_rest()
        yield self._next_of_rest()

    def _next_of_rest(self) -> Page:
        page = next(self._rest, None)
        if page is None:
            self._rest = self._all_rest()
            page = next(self._rest)
        return page

    def _all_rest(self) -> Iterator[Page]:
        for keys in self._lane.shards:
            yield from reconcile_rest(self._store, keys)
            yield from self._prune(keys)

    def _prune(self, keys: ShardKeys) -> Iterator[Page]:
        cursor = "0"
        while True:
            cursor, forgotten = self._store.prune_ended(keys, cursor, page=PRUNED, keep=KEEP_ENDED)
            yield Page(forgotten)
            if cursor == "0":
                break
