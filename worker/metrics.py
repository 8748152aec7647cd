"""Figures for Prometheus. No label holds a user, an address or a session."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from session_store.events import Event

from .health import Health

#: Seconds from a deadline to its audit line.
LATENESS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)


class Metrics:
    """The worker's figures, in a registry of their own."""

    def __init__(self, health: Health) -> None:
        self.registry = CollectorRegistry()
        self._started = Counter("wiki_sessions_started", "Sessions begun, as audited.", registry=self.registry)
        self._ended = Counter("wiki_sessions_ended", "Sessions ended, as audited.", ["reason"], registry=self.registry)
        self._lateness = Histogram(
            "wiki_end_lateness_seconds",
            "From a session's deadline to its line in the audit log.",
            buckets=LATENESS,
            registry=self.registry,
        )
        self.refused = Counter(
            "wiki_audit_refused", "Events that were in the audit log already.", registry=self.registry
        )
        self.gaps = Counter("wiki_gaps", "Times that notifications may have been missed.", registry=self.registry)
        self.reconnects = Counter("wiki_reconnects", "New connections for notifications.", registry=self.registry)
        live = Gauge("wiki_sessions_live", "Sessions alive.", registry=self.registry)
        live.set_function(lambda: health.live)
        backlog = Gauge("wiki_audit_backlog", "Entries in the stream not yet stored.", registry=self.registry)
        backlog.set_function(lambda: health.backlog)

    def audited(self, event: Event, now: float) -> None:
        """Count an event; `now` in ms since the epoch."""
        if event.reason is None:
            self._started.inc()
            return
        self._ended.labels(event.reason).inc()
        if event.reason in {"expired", "idle"}:
            self._lateness.observe(max(0.0, now - event.at) / 1000)

    def page(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
