"""What a call takes: the candidates in turn, A B A B, so that what the machine does meanwhile hits them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from .spread import median, percentile

#: Calls of one candidate before the next one's turn.
TURN = 20


def time_in_turn(candidates: Mapping[str, Callable[[], object]], calls: int) -> dict[str, list[float]]:
    """Return how long each call of each candidate took, in µs."""
    took: dict[str, list[float]] = {name: [] for name in candidates}
    for call in candidates.values():
        call()
    for _ in range(max(1, calls // TURN)):
        for name, call in candidates.items():
            for _ in range(TURN):
                start = time.perf_counter_ns()
                call()
                took[name].append((time.perf_counter_ns() - start) / 1000)
    return took


def medians(took: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median of each."""
    return {name: median(values) for name, values in took.items()}


def tails(took: Mapping[str, list[float]]) -> str:
    """Return the 99th percentiles, in words."""
    return "p99: " + ", ".join(f"{name} {percentile(values, 0.99):.0f} µs" for name, values in took.items())
