"""A plot of the last 24 hours: a small SVG, made here, that takes its colour from the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from session_store.presence import STEP, STEPS, Moment

#: The size of the drawing, and of the margins in which its words stand; the page may scale it.
WIDTH, HEIGHT = 600, 160
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 12, 24

#: Hours between two marks on the axis of time.
HOURS = 6

_HOUR = 3_600_000


def draw(now: int, moments: Sequence[Moment], zone: tzinfo) -> SafeString:
    """Return the plot.

    Args:
        now: ms since the epoch; where the axis ends.
        moments: how many were online, at most one for each step; a step without one had nobody.
        zone: in which the hours are named.
    """
    steps = _steps(now, moments)
    most = max(total for _at, _members, total in steps)
    top = _round_up(most)
    return format_html(
        '<svg class="whos-online-plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" '
        'aria-labelledby="whos-online-plot-title whos-online-plot-desc">'
        '<title id="whos-online-plot-title">{}</title><desc id="whos-online-plot-desc">{}</desc>'
        '<g fill="currentColor" stroke="none">'
        '<path class="whos-online-plot-all" opacity="0.3" d="{}"/>'
        '<path class="whos-online-plot-members" opacity="0.7" d="{}"/></g>'
        '<g stroke="currentColor" opacity="0.4">{}</g>'
        '<g fill="currentColor" font-size="12" font-family="inherit">{}</g></svg>',
        WIDTH,
        HEIGHT,
        _("Who was online in the last 24 hours"),
        _describe(steps, zone),
        _area([total for _at, _members, total in steps], top),
        _area([members for _at, members, _total in steps], top),
        _lines(),
        _words(now, top, zone),
    )


def _steps(now: int, moments: Sequence[Moment]) -> list[tuple[int, int, int]]:
    """Return beginning, members and total of each step of the day, the oldest first."""
    known = {moment.at // STEP: moment for moment in moments}
    last = now // STEP
    found = [(number, known.get(number)) for number in range(last - STEPS + 1, last + 1)]
    return [(n * STEP, m.members if m else 0, m.members + m.guests if m else 0) for n, m in found]


def _round_up(most: int) -> int:
    """Return where the axis ends: a round number that is not below the most."""
    unit: int = 10 ** max(0, len(str(most)) - 1)
    return next(unit * factor for factor in (1, 2, 3, 4, 5, 6, 8, 10) if unit * factor >= max(most, 1))


def _area(values: Sequence[int], top: int) -> str:
    width = (WIDTH - LEFT - RIGHT) / len(values)
    base, height = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    corners = ((LEFT + width * (i + 1), base - height * value / top) for i, value in enumerate(values))
    steps = "".join(f"V{y:.1f}H{x:.1f}" for x, y in corners)
    return f"M{LEFT} {base}{steps}V{base}Z"


def _lines() -> SafeString:
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    middle = (base + TOP) / 2
    return mark_safe(f'<path fill="none" d="M{LEFT} {base}H{right}M{LEFT} {TOP}H{right}M{LEFT} {middle}H{right}"/>')  # noqa: S308 - numbers


def _words(now: int, top: int, zone: tzinfo) -> SafeString:
    base = HEIGHT - BOTTOM
    heights = [(TOP + 4, str(top)), (base, "0")]
    marks = [format_html('<text text-anchor="end" x="{}" y="{}">{}</text>', LEFT - 6, y, text) for y, text in heights]
    for hour in _hours(now, zone):
        x = WIDTH - RIGHT - (now - hour) / _HOUR / 24 * (WIDTH - LEFT - RIGHT)
        if LEFT + 12 < x < WIDTH - RIGHT - 12:
            words = f"{x:.0f}", HEIGHT - 8, date_format(_time(hour, zone), "H:i")
            marks.append(format_html('<text text-anchor="middle" x="{}" y="{}">{}</text>', *words))
    return mark_safe("".join(marks))  # noqa: S308 - each is made by format_html


def _hours(now: int, zone: tzinfo) -> list[int]:
    """Return the full hours within the last day that divide by `HOURS` where the reader is."""
    latest = now // _HOUR * _HOUR
    hours = (latest - back * _HOUR for back in reversed(range(24)))
    return [hour for hour in hours if _time(hour, zone).hour % HOURS == 0]


def _describe(steps: Sequence[tuple[int, int, int]], zone: tzinfo) -> str:
    at, _members, most = max(steps, key=lambda step: (step[2], step[0]))
    if not most:
        return _("Nobody was.")
    current = ngettext("%(count)d now.", "%(count)d now.", steps[-1][2]) % {"count": steps[-1][2]}
    words = {"most": most, "time": date_format(_time(at, zone), "H:i")}
    return _("At most %(most)d, at %(time)s.") % words + " " + current


def _time(ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
