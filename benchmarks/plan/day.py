"""A day of a site, simulated: when people log in, look at pages, and when their sessions end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from .kinds import CURVE, DAY, HOUR, Kind

#: Seconds of a step, and how many there are in a day.
STEP = 600
STEPS = DAY // STEP

#: Log-ins of the day that is simulated: enough for the busy steps to have hundreds of each.
LOG_INS = 20_000

#: The day's curve, as `random` takes it fastest.
_SUMS = tuple(accumulate(CURVE))

#: Seconds after which a session without another end is no longer looked at.
LONG = 400 * DAY


@dataclass(frozen=True)
class Day:
    """How much happens in each step of a day that is like the one before, for each session that lives at the peak.

    Attributes:
        log_ins: a second.
        checks: pages of site and wiki, each of which looks at its session, a second.
        writes: of those, the ones that write to Redis, a second.
        ends: a second, of any reason.
        due: of those, the ones that nobody brought about: the deadline was over.
        live: sessions.
    """

    log_ins: tuple[float, ...]
    checks: tuple[float, ...]
    writes: tuple[float, ...]
    ends: tuple[float, ...]
    due: tuple[float, ...]
    live: tuple[float, ...]


@dataclass(frozen=True)
class Life:
    """One session: times in seconds since the midnight before it began.

    Attributes:
        visits: from when to when it was used.
        end: when it ended.
        log_out: whether that was a log-out.
    """

    visits: tuple[tuple[float, float], ...]
    end: float
    log_out: bool


def simulate(kind: Kind, *, log_ins: int = LOG_INS, seed: int = 1) -> Day:
    """Simulate the sessions that begin on one day, and lay all that they do, on whatever day, onto one.

    A site that has been like this for long has each day what all the days before have brought about together.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation's, the same every time
    counts = {name: [0.0] * STEPS for name in ("log_ins", "checks", "writes", "ends", "due", "live")}
    for start in _starts(chance, log_ins):
        life = live(kind, start, chance)
        counts["log_ins"][_step(start)] += 1
        counts["ends"][_step(life.end)] += 1
        counts["due"][_step(life.end)] += not life.log_out
        for at, seconds in _pieces(life):
            counts["checks"][at] += seconds / kind.page
            counts["writes"][at] += seconds / max(kind.page, kind.write_every)
        _count_live(counts["live"], start, life.end)
    alive = list(accumulate(counts.pop("live")))
    most = max(alive)
    rates = {name: tuple(count / STEP / most for count in steps) for name, steps in counts.items()}
    return Day(**rates, live=tuple(count / most for count in alive))


def live(kind: Kind, start: float, chance: random.Random) -> Life:
    """Let one session live, from its log-in on."""
    last = start + (kind.absolute or LONG)
    visits = []
    at = start
    while True:
        leaves = min(last, at + chance.expovariate(1 / kind.visit))
        visits.append((at, leaves))
        if leaves < last and chance.random() < kind.logs_out:
            return Life(tuple(visits), leaves, log_out=True)
        deadline = min(last, leaves + (kind.idle or LONG))
        at = _return(kind, leaves, chance) if chance.random() < kind.returns else deadline
        if at >= deadline:
            return Life(tuple(visits), deadline, log_out=False)


def _return(kind: Kind, leaves: float, chance: random.Random) -> float:
    if kind.gap is not None:
        return leaves + chance.expovariate(1 / kind.gap)
    return (leaves // DAY + 1) * DAY + next(_starts(chance, 1))


def _starts(chance: random.Random, count: int) -> Iterator[float]:
    """Return so many times of a day, after its curve."""
    for hour in chance.choices(range(24), cum_weights=_SUMS, k=count):
        yield (hour + chance.random()) * HOUR


def _step(at: float) -> int:
    return int(at % DAY // STEP)


def _pieces(life: Life) -> Iterator[tuple[int, float]]:
    """Return the steps in which a session is used, and for how many seconds."""
    for begin, end in life.visits:
        at = begin
        while at < end:
            until = min(end, (at // STEP + 1) * STEP)
            yield _step(at), until - at
            at = until


def _count_live(changes: list[float], start: float, end: float) -> None:
    """Note by how much the number of live sessions changes with each step; the first has what the night before left."""
    first, last = _step(start), _step(end)
    nights = int(end // DAY) - int(start // DAY)
    changes[0] += nights
    changes[first] += 1
    changes[last] -= 1
