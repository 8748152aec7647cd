"""How fast the site's audit table is filled, in a process of its own that has a Django."""

from __future__ import annotations

from benchmarks.alone import figures_of
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale


def run(scale: Scale) -> Result:
    """Store what many sessions' starts and ends have left in the stream."""
    found = figures_of("benchmarks.audit_table", scale)
    rate = found["per second"]
    note = f"{found['events']:,.0f} events, committed and acknowledged"
    return Result([Row("audit table on SQLite", rate, "events/s", "≥ 5,000/s", rate >= 5_000, note=note)])
