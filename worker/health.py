"""What the roles know of themselves, in one place: whether the worker lives, and whether it can be relied on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from session_store.backlog import TOO_MANY

#: Seconds after which a role that has not finished a step is taken for stuck. A step is meant to take about one.
STUCK = 15.0


@dataclass(frozen=True)
class Verdict:
    """One condition, whether it holds, and a word on it."""

    name: str
    holds: bool
    text: str = ""


@dataclass
class Health:
    """Facts that the roles write and the health page reads; each is replaced as a whole, so any thread may.

    Attributes:
        hearing: whether notifications are known to arrive; None: not known yet.
        flags_missing: the notification flags that a server lacks, and which one; None: they can't be read.
        writable: whether the audit log could be written to; None: not known yet.
        standby: another worker writes the audit log.
        backlog: entries in the stream that a reader has not stored.
        live: sessions alive.
        did: what it last did, in words.
    """

    hearing: bool | None = None
    flags_missing: str | None = None
    writable: bool | None = None
    standby: bool = False
    backlog: int = 0
    live: int = 0
    did: str = "started"
    away: set[str] = field(default_factory=set)
    _unwritable: set[str] = field(default_factory=set)
    _ticks: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tick(self, role: str, *, away: bool = False) -> None:
        """Note that a role has finished a step, and whether Redis was away from it."""
        with self._lock:
            self._ticks[role] = time.monotonic()
            (self.away.add if away else self.away.discard)(role)

    def begin_anew(self) -> None:
        """Forget the roles: others come."""
        with self._lock:
            self._ticks.clear()
            self.away.clear()
            self._unwritable.clear()

    def note_writing(self, role: str, *, well: bool) -> None:
        """Note whether a role could write to the audit log; several may write to it."""
        with self._lock:
            (self._unwritable.discard if well else self._unwritable.add)(role)
            self.writable = not self._unwritable

    def stuck(self) -> list[str]:
        """Return the roles that have not finished a step for too long."""
        now = time.monotonic()
        with self._lock:
            return [role for role, at in self._ticks.items() if now - at > STUCK]

    def readiness(self) -> Iterable[Verdict]:
        """Return every condition for being relied on."""
        stuck, away = self.stuck(), sorted(self.away)
        yield Verdict("working", not stuck, f"stuck: {', '.join(stuck)}" if stuck else "")
        yield Verdict("connected", not away, f"Redis is away from: {', '.join(away)}" if away else "")
        yield Verdict("hearing", self.hearing is True, "" if self.hearing else "no notification has arrived lately")
        yield Verdict("flags", not self.flags_missing, self._flags_text() if self.flags_missing != "" else "")
        yield Verdict("audit log", self.standby or self.writable is True, self._audit_text())
        yield Verdict("backlog", self.backlog < TOO_MANY, f"{self.backlog} entries wait in Redis")

    def _flags_text(self) -> str:
        if self.flags_missing is None:
            return "CONFIG is forbidden; deadlines and reconciling go on"
        return f"notify-keyspace-events lacks {self.flags_missing}; deadlines and reconciling go on"

    def _audit_text(self) -> str:
        if self.standby:
            return "standing by: another worker writes it"
        return "" if self.writable else "it can't be written to; events wait in Redis"
