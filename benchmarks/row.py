"""What a benchmark gives: figures, each held against what it is to reach and against the alternatives."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured.
        ours: the figure.
        unit: of all figures in this row.
        target: what is to be reached, in words.
        reached: whether it is; None where there is nothing to reach.
        beside: the alternatives' figures, or others that belong to it.
        note: what one must know to read it.
        section: below which heading it stands.
    """

    what: str
    ours: float
    unit: str
    target: str = ""
    reached: bool | None = None
    beside: dict[str, float] = field(default_factory=dict)
    note: str = ""
    section: str = ""


@dataclass
class Result:
    """All that one benchmark has found.

    Attributes:
        series: points for the plots, by name.
        costs: from which it is computed what many sessions need, by the names of `plan.costs`.
    """

    rows: list[Row] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
