"""Servers that can't be reached: one that many wait for is told of once, and so is the end of that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from session_store import StoreUnavailable

_log = logging.getLogger(__name__)


@dataclass
class _Absence:
    """Who waits for something, and since when (by `time.monotonic`)."""

    since: float
    waiting: set[str] = field(default_factory=set)


class Absences:
    """Tells the operator who waits. Any thread may call it.

    What is wrong with a server as a whole is told for all who meet it; any other trouble for each role.

    Args:
        concerned: server → who waits for it, in words.
    """

    def __init__(self, concerned: Callable[[str], str] = lambda _: "the worker waits") -> None:
        self._concerned = concerned
        self._lock = threading.Lock()
        self._absences: dict[str, _Absence] = {}

    def begin(self, who: str, error: StoreUnavailable) -> None:
        """Note that somebody waits."""
        what = f"Redis at {error.server}" if error.lost else who
        with self._lock:
            absence = self._absences.setdefault(what, _Absence(time.monotonic()))
            told = bool(absence.waiting)
            absence.waiting.add(who)
        if not told:
            _log.warning("%s: %s", self._concerned(error.server) if error.lost else f"{who} waits", error)

    def end(self, who: str) -> None:
        """Note that somebody goes on."""
        with self._lock:
            over = [what for what, absence in self._absences.items() if absence.waiting == {who}]
            for absence in self._absences.values():
                absence.waiting.discard(who)
            took = {what: time.monotonic() - self._absences.pop(what).since for what in over}
        for what, seconds in took.items():
            _log.info("%s goes on after %.1f s", who if what == who else f"what waited for {what}", seconds)
