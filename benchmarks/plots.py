"""Plots of the figures, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

#: One colour for ours, others for what it is held against; they can be told apart without seeing red or green.
OURS, OTHERS = "#0b62a3", ["#d98c00", "#8a5a9e", "#777777"]

_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "django-moin-sso",  # the same figures give the same file
    "svg.fonttype": "none",
}


def style() -> AbstractContextManager[None]:
    """Return the context in which plots are drawn."""
    return mpl.rc_context(_STYLE)


def draw(series: Mapping[str, Sequence[float]], directory: Path) -> list[Path]:
    """Draw what there are points for; return the files."""
    drawn = []
    with style():
        for name, draw_one in (("lateness", _lateness), ("growth", _growth), ("check", _check)):
            mine = {key.partition(": ")[2]: points for key, points in series.items() if key.startswith(f"{name}: ")}
            if mine:
                figure, axes = pyplot.subplots(figsize=(7.2, 3.6), layout="constrained")
                draw_one(axes, mine)
                path = directory / f"performance-{name}.svg"
                figure.savefig(path, facecolor="white", metadata={"Date": None})
                pyplot.close(figure)
                drawn.append(path)
    return drawn


def _lateness(axes: pyplot.Axes, series: Mapping[str, Sequence[float]]) -> None:
    others = iter(OTHERS)
    for name, points in series.items():
        share = [100 * i / (len(points) - 1) for i in range(len(points))]
        colour = OURS if name.startswith("ours") else next(others)
        axes.plot([max(point, 0.1) for point in points], share, color=colour, label=name.removesuffix(", ms"), lw=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f} ms" if value >= 1 else f"{value:g} ms")
    axes.set(xlabel="from the deadline until it is written down", ylabel="% of ends", ylim=(0, 101))
    axes.set_title("How late an end is noted", loc="left", fontweight="bold")
    axes.legend(frameon=False, loc="upper left")


def _growth(axes: pyplot.Axes, series: Mapping[str, Sequence[float]]) -> None:
    axes.plot(series["live sessions"], series["µs an end"], "o-", color=OURS, lw=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(xlabel="live sessions", ylabel="µs of Redis' time for one end")
    axes.set_ylim(bottom=0)
    axes.set_title("What one end costs", loc="left", fontweight="bold")


def _check(axes: pyplot.Axes, series: Mapping[str, Sequence[float]]) -> None:
    names = ["a bare GET", "a bare EVALSHA", "Store.read", "as in 2012"]
    figures = series["µs"]
    bars = axes.barh(names, figures, color=[*OTHERS[2:], OTHERS[2], OURS, OTHERS[0]])
    axes.bar_label(bars, [f"{figure:,.0f} µs" for figure in figures], padding=4)
    axes.set_xlim(right=max(figures) * 1.15)
    axes.invert_yaxis()
    axes.set(xlabel="median of one call, µs")
    axes.set_title("What the wiki's check of a cookie takes", loc="left", fontweight="bold")
