"""What the worker counts, and what it tells its operator of it: rarely, but clearly."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from session_store.events import Event, timestamp
from session_store.sessions import STRAY, End

from .health import Health
from .metrics import Metrics

#: Seconds between two summaries; none is written while nothing happens.
EVERY = 60.0

_log = logging.getLogger(__name__)


class Report:
    """Counts what the roles do. Any thread may call it.

    Args:
        metrics: where it is counted.
        health: where the last thing done is noted.
        tell: told of every event that is in the audit log.
    """

    def __init__(
        self, metrics: Metrics, health: Health, *, tell: Callable[[Sequence[Event]], None] = lambda _: None
    ) -> None:
        self._tell = tell
        self._metrics = metrics
        self._health = health
        self._lock = threading.Lock()
        self._pruned: Counter[str] = Counter()
        self._audited: Counter[str] = Counter()

    def ended(self, ends: Sequence[End]) -> None:
        """Note sessions that the worker itself ended."""
        if not ends:
            return
        tally = Counter(end.reason for end in ends)
        with self._lock:
            self._pruned.update(tally)
        if STRAY in tally or _log.isEnabledFor(logging.DEBUG):
            self._name(ends)

    def audited(self, events: Sequence[Event], *, refused: int) -> None:
        """Note events that are in the audit log, and how many were there already."""
        now = time.time() * 1000
        with self._lock:
            for reason, count in self._metrics.audited(events, now).items():
                self._audited[reason or "started"] += count
        self._health.did = f"audited {len(events)} events, the last at {timestamp(now)}"
        if refused:
            self._metrics.refused.inc(refused)
        self._tell(events)

    def _name(self, ends: Sequence[End]) -> None:
        for end in ends:
            if end.reason == STRAY:
                _log.error("%r in the sorted set was no session id and was removed", end.ref.sid[:60])
            else:
                _log.debug("ended %s: %s", end.ref.sid, end.reason)

    def gap(self) -> None:
        """Note that something may have been missed."""
        self._metrics.gaps.inc()

    def reconnected(self) -> None:
        """Note a new connection for notifications."""
        self._metrics.reconnects.inc()

    def take(self) -> tuple[Counter[str], Counter[str]]:
        """Return what was pruned and audited since the last time, by reason."""
        with self._lock:
            taken = self._pruned, self._audited
            self._pruned, self._audited = Counter(), Counter()
        return taken


class Reporter:
    """Writes a summary, where there is something to say."""

    name = "reporter"

    def __init__(self, *, report: Report, health: Health) -> None:
        self._report = report
        self._health = health

    def step(self) -> float:
        """Summarise what has happened since the last step."""
        pruned, audited = self._report.take()
        if pruned or audited:
            _log.info("pruned %s; audited %s; %d live", _words(pruned), _words(audited), self._health.live)
        return EVERY

    def reset(self) -> None:
        """Nothing is kept between two steps."""


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common()) or "nothing"
