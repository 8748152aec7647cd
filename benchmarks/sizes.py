"""How much is measured: a run of minutes, one of less than a minute, one that only shows that the code runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes and durations.

    Attributes:
        sessions: live ones of the burst, the catch-up, the idle worker.
        sizes: of the growth.
        beside: live sessions while lateness is measured.
        foreign: keys of other people in the same Redis.
        ends: a second, while lateness is measured.
        seconds: for which each way is measured for lateness, and a worker for what it costs.
        beat: seconds between two tasks of Celery's; 0: it is left out.
        expiries: of other people's keys, a second.
        calls: of each kind, for what a request costs.
    """

    name: str
    sessions: int
    sizes: tuple[int, ...]
    beside: int
    foreign: int
    ends: int
    seconds: float
    beat: int
    expiries: int
    calls: int


FULL = Scale("full", 1_000_000, (1_000, 10_000, 100_000, 1_000_000), 100_000, 500_000, 1_000, 15, 60, 20_000, 4_000)
QUICK = Scale("quick", 40_000, (1_000, 10_000, 40_000), 10_000, 50_000, 1_000, 3, 0, 20_000, 1_000)
TINY = Scale("tiny", 300, (100, 300), 50, 100, 50, 0.5, 1, 500, 20)
