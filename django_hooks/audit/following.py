"""Following the stream for as long as a process lives: whatever is away is waited for."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.db import Error, close_old_connections

from session_store import StoreUnavailable
from session_store.throttle import Throttle

from ..chores import do_chores
from .follower import Follower
from .table import Stored, first_line

#: Seconds between two attempts to reach what is away.
RETRY = 0.5

#: Seconds after a step that failed for a reason nobody foresaw, so that it does not spin.
CAUTION = 1.0

#: Seconds between two summaries in the log, where there is something to say.
SUMMARY = 60.0

_log = logging.getLogger(__name__)


@dataclass
class Tally:
    """How many events became rows, were rows already, or were refused by the database."""

    new: int = 0
    known: int = 0
    refused: int = 0

    def add(self, stored: Stored) -> None:
        """Count a batch."""
        self.new += stored.new
        self.known += stored.known
        self.refused += stored.refused

    def clear(self) -> None:
        """Begin anew."""
        self.new = self.known = self.refused = 0

    def __bool__(self) -> bool:
        return bool(self.new or self.known or self.refused)

    def __str__(self) -> str:
        known = f", {self.known} were there already" if self.known else ""
        refused = f", {self.refused} were refused by the database" if self.refused else ""
        return f"{self.new} events stored{known}{refused}"


class Following:
    """Runs a follower, step by step, and does the chores."""

    def __init__(self, follower: Follower, *, stop: threading.Event, tally: Tally) -> None:
        self._follower = follower
        self._stop = stop
        self._tally = tally
        self._away_since: float | None = None
        self._summed_up = time.monotonic()
        self._throttle = Throttle(seconds=60)

    def run(self) -> None:
        """Step until stopped."""
        while not self._stop.is_set():
            self._stop.wait(self.turn())
            if time.monotonic() - self._summed_up > SUMMARY:
                self.sum_up()
        self.sum_up()
        self._give_back()

    def turn(self) -> float:
        """Do one step; return the seconds until the next one is due."""
        try:
            pause = self._follower.step()
            if self._follower.attached:
                do_chores()
        except (StoreUnavailable, Error) as error:
            self._follower.reset()
            close_old_connections()
            self._note_away(error)
            return RETRY
        except Exception:  # noqa: BLE001 - one bad entry must not stop all that come after it
            self._follower.reset()
            if self._throttle.allows("unforeseen"):
                _log.exception("that failed; it is tried again in %.0f s", CAUTION)
            return CAUTION
        self._note_back()
        return pause

    def sum_up(self) -> None:
        """Say what was done since the last summary."""
        self._summed_up = time.monotonic()
        if self._tally:
            _log.info("%s", self._tally)
            self._tally.clear()

    def _give_back(self) -> None:
        try:
            self._follower.close()
        except StoreUnavailable:
            _log.debug("the lease is left to run out")

    def _note_away(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            _log.warning("waiting: %s", _words(error))

    def _note_back(self) -> None:
        if self._away_since is not None:
            _log.info("going on after %.1f s", time.monotonic() - self._away_since)
            self._away_since = None


def _words(error: Exception) -> str:
    if isinstance(error, StoreUnavailable):
        return str(error)
    first = first_line(error)
    hint = "; has manage.py migrate been run?" if "django_hooks_audit" in first else ""
    return f"the database: {first}{hint}; events wait in Redis"
