"""Medians and percentiles."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which so large a share of the values is; NaN where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def median(values: Sequence[float]) -> float:
    """Return the value in the middle."""
    return percentile(values, 0.5)


def steps(values: Sequence[float], count: int = 200) -> list[float]:
    """Return so many percentiles from the least to the greatest: enough for a curve."""
    return [percentile(values, i / (count - 1)) for i in range(count)]
