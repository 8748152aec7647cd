"""Ends over the day, beside what one worker and one Redis can end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.plots import OTHERS, OURS, pyplot, style

from .document import SIZES


def draw(plan: Mapping[str, Any], directory: Path) -> Path:
    """Draw the plan's days; return the file."""
    path = directory / "scale.svg"
    with style():
        figure, axes = pyplot.subplots(figsize=(7.2, 3.6), layout="constrained")
        for kind, colour in zip(plan["kinds"], [OTHERS[1], OTHERS[0], OURS], strict=True):
            ends = kind["ends a second"]
            hours = [24 * step / len(ends) for step in range(len(ends) + 1)]
            axes.step(hours, [*ends, ends[0]], where="post", color=colour, label=kind["kind"]["name"], lw=2)
        limits = (("one worker's core", "worker_end_together", 0.2), ("one Redis' core", "redis_end_together", 6.2))
        for name, cost, hour in limits:
            most = 1e6 / plan["costs"][cost]
            axes.axhline(most, color=OTHERS[2], ls="--", lw=1)
            axes.annotate(name, (hour, most), xytext=(0, 2), textcoords="offset points", color=OTHERS[2])
        axes.set(
            xlabel="hour", ylabel="ends a second", xlim=(0, 24), ylim=(1, 1e6), xticks=range(0, 25, 3), yscale="log"
        )
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_title(f"A day of {SIZES[1] / 1e6:,.0f} million sessions", loc="left", fontweight="bold")
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(path, facecolor="white", metadata={"Date": None})
        pyplot.close(figure)
    return path
