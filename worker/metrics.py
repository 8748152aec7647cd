"""Figures for Prometheus. No label holds a user, an address or a session."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from session_store.events import Event

from .health import Health

#: Bounds of what is told of lateness, ms from a session's deadline to its line in the audit log.
LATENESS = (2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000, 600_000)

#: Reasons whose ends have a deadline to be late for.
ON_TIME = {"expired", "idle"}


class Metrics:
    """The worker's figures, in a registry of their own."""

    def __init__(self, health: Health) -> None:
        self.registry = CollectorRegistry()
        self._started = Counter("wiki_sessions_started", "Sessions begun, as audited.", registry=self.registry)
        self._ended = Counter("wiki_sessions_ended", "Sessions ended, as audited.", ["reason"], registry=self.registry)
        self._lateness = Lateness()
        self.registry.register(self._lateness)
        self.refused = Counter(
            "wiki_audit_refused", "Events that were in the audit log already.", registry=self.registry
        )
        self.gaps = Counter("wiki_gaps", "Times that notifications may have been missed.", registry=self.registry)
        self.reconnects = Counter("wiki_reconnects", "New connections for notifications.", registry=self.registry)
        live = Gauge("wiki_sessions_live", "Sessions alive.", registry=self.registry)
        live.set_function(lambda: health.live)
        backlog = Gauge("wiki_audit_backlog", "Entries in the stream not yet stored.", registry=self.registry)
        backlog.set_function(lambda: health.backlog)

    def audited(self, events: Sequence[Event], now: float) -> Tally[str | None]:
        """Count events, and return how many there are of each reason, None for starts; `now` in ms since the epoch."""
        tally = Tally(event.reason for event in events)
        for reason, count in tally.items():
            (self._started if reason is None else self._ended.labels(reason)).inc(count)
        self._lateness.observe([max(0.0, now - event.at) for event in events if event.reason in ON_TIME])
        return tally

    def page(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)


class Lateness(Collector):
    """A histogram that takes many values at once: the client's own takes a lock, and a microsecond, for each."""

    def __init__(self) -> None:
        self._counts = [0] * (len(LATENESS) + 1)
        self._sum = 0.0

    def observe(self, values: Sequence[float]) -> None:
        """Count values, in ms. One thread alone may call this."""
        for bucket, count in Tally(bisect_left(LATENESS, value) for value in values).items():
            self._counts[bucket] += count
        self._sum += sum(values)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Tell the client."""
        names = [*(str(ms / 1000) for ms in LATENESS), "+Inf"]
        buckets = list(zip(names, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(
            "wiki_end_lateness_seconds",
            "From a session's deadline to its line in the audit log.",
            buckets=buckets,
            sum_value=self._sum / 1000,
        )
