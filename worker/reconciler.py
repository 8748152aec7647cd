"""The third way of knowing: index, records and keys are held against each other, both ways."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from session_store import Store
from session_store.reconcile import Page, reconcile

from .report import Report

#: Seconds between two pages while nothing is suspected: a slow pace that costs next to nothing.
PACE = 0.25

#: Ends are kept until their deadline, and these ms longer: the site's own session may last a minute more than ours.
KEEP_ENDED = 300_000

_log = logging.getLogger(__name__)


class Reconciler:
    """Passes over all shards again and again: slowly as a rule, at once where events may have been missed."""

    name = "reconciler"

    def __init__(self, *, store: Store, report: Report) -> None:
        self._store = store
        self._report = report
        self._hurry = threading.Event()
        self._hurry.set()
        self._hurried = False
        self._pass: Iterator[Page] | None = None

    def hurry(self) -> None:
        """Begin a new pass now and make no pauses in it. Any thread may call this."""
        self._hurry.set()

    def step(self) -> float:
        """Look at a page."""
        if self._pass is None or self._hurry.is_set():
            self._begin()
        assert self._pass is not None  # noqa: S101 - for the type checker
        page = next(self._pass, None)
        if page is None:
            self._finish()
        else:
            self._report.ended(page.ends)
        return 0.0 if self._hurried else PACE

    def reset(self) -> None:
        """Begin anew, in a hurry: Redis was away, events may have been missed."""
        self._hurry.set()

    def _begin(self) -> None:
        self._hurried = self._hurry.is_set()
        self._hurry.clear()
        self._pass = self._pages()

    def _finish(self) -> None:
        if self._hurried:
            _log.info("reconciled: %d sessions live", self._store.count())
        self._hurried = False
        self._pass = None

    def _pages(self) -> Iterator[Page]:
        for keys in self._store.keys.shards:
            yield from reconcile(self._store, keys)
            cursor = "0"
            while True:
                cursor, forgotten = self._store.prune_ended(keys, cursor, page=500, keep=KEEP_ENDED)
                yield Page(forgotten, [])
                if cursor == "0":
                    break
