"""Log-ins and ends, hour by hour, as the measures of an SVG; the template draws it, the style sheet colours it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from session_store import Reason

#: The size of the drawing, and the margins for its words; the page may scale it.
WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 12, 28

LOGINS = "logins"

#: Ends that belong together, from the bottom of a bar to its top.
ENDS: dict[str, frozenset[str]] = {
    "logout": frozenset({Reason.LOGOUT}),
    "over": frozenset({Reason.EXPIRED, Reason.IDLE}),
    "replaced": frozenset({Reason.REPLACED}),
    "forced": frozenset({Reason.REVOKED, Reason.PASSWORD_CHANGE, Reason.ACCOUNT_DISABLED, Reason.LIMIT}),
    "lost": frozenset({Reason.EVICTED, Reason.DELETED, Reason.LOST}),
}

NAMES: dict[str, str | Promise] = {
    LOGINS: _("Log-ins"),
    "logout": _("Logged out"),
    "over": _("Time over or not used"),
    "replaced": _("Logged in again"),
    "forced": _("Ended by somebody"),
    "lost": _("Lost"),
}


@dataclass(frozen=True)
class Hour:
    """What happened in an hour, by group."""

    at: datetime
    counts: Counter[str]

    @property
    def cells(self) -> list[int]:
        """The counts, in the order of `NAMES`."""
        return [self.counts[name] for name in NAMES]


@dataclass(frozen=True)
class Bar:
    """A part of a bar; numbers are texts, as no language may spell them its own way."""

    group: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Mark:
    """A word beside an axis, and where it stands."""

    x: str
    y: str
    text: str


@dataclass(frozen=True)
class Chart:
    """The drawing."""

    bars: list[Bar]
    heights: list[Mark]
    hours: list[Mark]
    names: dict[str, str | Promise]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    ground: int = HEIGHT - BOTTOM


def group_of(reason: str) -> str:
    """Return the group that a reason belongs to; one of a later version is somebody's doing."""
    return next((name for name, reasons in ENDS.items() if reason in reasons), "forced")


def draw(hours: Sequence[Hour]) -> Chart:
    """Return the drawing of some hours, the oldest first: of each, log-ins beside ends."""
    top = _round_up(max(max(hour.counts[LOGINS], sum(hour.counts[name] for name in ENDS)) for hour in hours))
    scale = (HEIGHT - TOP - BOTTOM) / top
    slot = (WIDTH - LEFT - RIGHT) / len(hours)
    bars: list[Bar] = []
    for number, hour in enumerate(hours):
        x = LEFT + number * slot
        bars += _pile(hour, [LOGINS], x + slot * 0.1, slot * 0.38, scale)
        bars += _pile(hour, list(ENDS), x + slot * 0.52, slot * 0.38, scale)
    steps = sorted({0, top // 2, top})
    return Chart(
        bars,
        [Mark(str(LEFT - 8), f"{HEIGHT - BOTTOM - step * scale:.1f}", str(step)) for step in steps],
        [
            Mark(f"{LEFT + (number + 0.5) * slot:.1f}", str(HEIGHT - 8), f"{hour.at:%H}")
            for number, hour in enumerate(hours)
            if number % 3 == 2
        ],
        NAMES,
    )


def _pile(hour: Hour, groups: Sequence[str], x: float, width: float, scale: float) -> list[Bar]:
    bars, ground = [], float(HEIGHT - BOTTOM)
    for name in groups:
        height = hour.counts[name] * scale
        if height:
            ground -= height
            bars.append(Bar(name, f"{x:.1f}", f"{ground:.1f}", f"{width:.1f}", f"{height:.1f}"))
    return bars


def _round_up(number: int) -> int:
    """Return a round number that is no smaller: 1, 2 or 5 with noughts behind it, and at least 4."""
    unit = 1
    while True:
        for step in (1, 2, 4, 6, 8):
            if step * unit >= max(number, 4):
                return step * unit
        unit *= 10
