"""How late ends are written while one server takes over from another, and afterwards: a host's log as it grows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from .ledger import Ledger
from .lines import Line, lines_from

#: Ends of which half at least must be punctual, the first among them: then it was no chance.
WINDOW = 10


class Lateness:
    """Reads the ends in a host's log.

    Args:
        log: the file.
        ledger: which says in which shard each session is.

    Attributes:
        ended: when each end was written, by sid, ms since the epoch.
    """

    def __init__(self, log: Path, ledger: Ledger) -> None:
        self._log = log
        self._ledger = ledger
        self._place = 0
        self._ends: list[Line] = []  # those that came by themselves
        self.ended: dict[str, int] = {}

    def look(self) -> None:
        """Read what has been written since the last look."""
        if self._log.exists():
            lines, self._place = lines_from(self._log, self._place)
            self.ended |= {line.sid: line.written for line in lines if line.action == "end"}
            self._ends += [line for line in lines if line.reason in {"expired", "idle"}]

    def due_between(self, first: float, last: float, shards: frozenset[int]) -> list[Line]:
        """Return the ends of some shards whose deadlines were between two times, in ms since the epoch."""
        return [line for line in self._ends if first <= line.at <= last and self._shard(line) in shards]

    def punctual_from(self, first: float, shards: frozenset[int], limit: float) -> float | None:
        """Return from when on ends are written within their limit after a time; None: they are not, so far.

        Args:
            first: what was written before counts for nothing, ms since the epoch.
            shards: whose ends.
            limit: how late an end may be, ms.
        """
        written = [line for line in self._ends if line.written >= first and self._shard(line) in shards]
        for number in range(len(written) - WINDOW + 1):
            window = written[number : number + WINDOW]
            if window[0].late < limit and typical(window) < limit:
                return float(window[0].written)
        return None

    def _shard(self, line: Line) -> int | None:
        life = self._ledger.opened.get(line.sid)
        return life.shard if life else None


def typical(lines: Sequence[Line]) -> float:
    """Return how late half of them at least are written, in ms; 0 where there is none."""
    return float(median([line.late for line in lines])) if lines else 0.0


def now_ms() -> float:
    """Return the time, which is that of the servers too."""
    return time.time() * 1000
