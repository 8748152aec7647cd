from __future__ import annotations

import re

from worker.health import Health
from worker.metrics import Metrics

from .lines import end, start

#: When the made-up sessions of `lines` end, ms since the epoch.
DUE = end(1).at


def figures(metrics: Metrics) -> dict[str, float]:
    """Return what the page says."""
    lines = re.findall(r"^(wiki_\S+) (\S+)$", metrics.page().decode(), re.MULTILINE)
    return {name: float(figure) for name, figure in lines}


def test_ends_are_counted_by_their_lateness_each_bucket_with_those_before_it():
    metrics = Metrics(Health())
    for late in (0, 2, 4, 30, 10_000_000):
        metrics.audited([end(1)], DUE + late)
    found = figures(metrics)
    buckets = {
        key: int(found[f'wiki_end_lateness_seconds_bucket{{le="{key}"}}'])
        for key in ("0.002", "0.005", "0.05", "600.0", "+Inf")
    }
    assert buckets == {"0.002": 2, "0.005": 3, "0.05": 4, "600.0": 4, "+Inf": 5}
    assert found["wiki_end_lateness_seconds_count"] == 5
    assert found["wiki_end_lateness_seconds_sum"] == (0 + 2 + 4 + 30 + 10_000_000) / 1000


def test_a_clock_that_went_back_makes_nothing_early():
    metrics = Metrics(Health())
    metrics.audited([end(1)], DUE - 5000)
    assert figures(metrics)["wiki_end_lateness_seconds_sum"] == 0


def test_only_ends_that_had_a_deadline_can_be_late():
    metrics = Metrics(Health())
    assert metrics.audited([start(1), end(2, "logout"), end(3, "idle"), end(4, "idle")], DUE + 1) == {
        None: 1,
        "logout": 1,
        "idle": 2,
    }
    found = figures(metrics)
    assert found["wiki_end_lateness_seconds_count"] == 2
    assert found['wiki_sessions_ended_total{reason="idle"}'] == 2
    assert found["wiki_sessions_started_total"] == 1
