"""What the worker tells its operator: rarely, but clearly."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable

from session_store import Store
from session_store.events import Event
from session_store.sessions import STRAY, End

#: Seconds between two summaries; none is written while nothing happens.
EVERY = 60.0

_log = logging.getLogger(__name__)


class Report:
    """Counts what the roles do. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pruned: Counter[str] = Counter()
        self._audited: Counter[str] = Counter()

    def ended(self, ends: Iterable[End]) -> None:
        """Note sessions that the worker itself ended."""
        for end in ends:
            if end.reason == STRAY:
                _log.error("%r in the sorted set was no session id and was removed", end.ref.sid[:60])
            else:
                _log.debug("ended %s: %s", end.ref.sid, end.reason)
            with self._lock:
                self._pruned[end.reason] += 1

    def audited(self, events: Iterable[Event]) -> None:
        """Note events that are in the audit log."""
        with self._lock:
            self._audited.update(event.reason or "started" for event in events)

    def take(self) -> tuple[Counter[str], Counter[str]]:
        """Return what was pruned and audited since the last time, by reason."""
        with self._lock:
            taken = self._pruned, self._audited
            self._pruned, self._audited = Counter(), Counter()
        return taken


class Reporter:
    """Writes a summary, where there is something to say."""

    name = "reporter"

    def __init__(self, *, store: Store, report: Report) -> None:
        self._store = store
        self._report = report

    def step(self) -> float:
        """Summarise what has happened since the last step."""
        pruned, audited = self._report.take()
        if pruned or audited:
            _log.info("pruned %s; audited %s; %d live", _words(pruned), _words(audited), self._store.count())
        return EVERY

    def reset(self) -> None:
        """Nothing is kept between two steps."""


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common()) or "nothing"
