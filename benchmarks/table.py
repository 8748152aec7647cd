"""The figures as people read them: a table in Markdown, which also stands in the docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .row import Row

#: Between these the docs' table is written anew.
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a table, or as one for each section."""
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(row.section, []).append(row)
    return "\n\n".join((f"### {name}\n\n" if name else "") + _table(rows) for name, rows in sections.items())


def _table(rows: Iterable[Row]) -> str:
    lines = ["| what | ours | to reach | | beside it |", "|---|--:|---|---|---|"]
    for row in rows:
        mark = {True: "✓", False: "✗", None: ""}[row.reached]
        beside = ", ".join(f"{name} {number(figure)}" for name, figure in row.beside.items())
        words = "; ".join(filter(None, [beside, row.note]))
        lines.append(f"| {row.what} | {number(row.ours)} {row.unit} | {row.target} | {mark} | {words} |")
    return "\n".join(lines)


def sentence(rows: Iterable[Row]) -> str:
    """Return the two figures that matter to an operator: how late an end is noted, and how fast many are."""
    by_name = {row.what: row for row in rows}
    half, tail = by_name["lateness, p50"], by_name["lateness, p99"]
    burst = next(row for name, row in by_name.items() if name.startswith("burst"))
    count = burst.note.split()[0]
    return (
        f"**Fast.** Half of all ends are in the log, on the disk, {number(half.ours)} ms after their deadline,\n"
        f"99 % within {number(tail.ours)} ms. "
        f"When {count} sessions end in the same second, {number(burst.ours)} a second are written."
    )


def number(figure: float) -> str:
    """Return a figure with three digits that count."""
    if abs(figure) >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def words(machine: Mapping[str, str], scale: str) -> str:
    """Return what it was measured on."""
    return f"Measured by `make bench` ({scale}): " + "; ".join(f"{name} {text}" for name, text in machine.items()) + "."


def write_between(path: Path, text: str) -> None:
    """Put a text between the marks in a file of the docs.

    Raises:
        ValueError: the marks are not there.
    """
    page = path.read_text(encoding="utf-8")
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no place for the figures: {BEGIN} … {END}")
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")
