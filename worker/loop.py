"""A thread that runs one role, step by step, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from session_store import StoreUnavailable
from session_store.throttle import Throttle

from .absences import Absences
from .health import Health

#: Seconds between two attempts to reach a Redis that is away.
RETRY = 0.5

#: Seconds after a step that failed for a reason nobody foresaw, so that it does not spin.
CAUTION = 1.0

_log = logging.getLogger(__name__)


class Role(Protocol):
    """One of the worker's jobs."""

    name: str

    def step(self) -> float:
        """Do a bounded piece of work, within about a second; return the seconds until the next one is due."""

    def reset(self) -> None:
        """Forget connections and positions: something failed, the next step begins anew."""


class Loop(threading.Thread):
    """Runs a role. Redis may go away and come back; the role is reset each time, and says so once.

    Args:
        role: what to do.
        stop: set by whoever wants an end; every pause ends with it.
        health: where each step is noted.
        on_back: called when Redis is back.
        absences: told when Redis is away from the role, and when it is back.
    """

    def __init__(
        self,
        role: Role,
        stop: threading.Event,
        *,
        health: Health,
        on_back: Callable[[str], None],
        absences: Absences | None = None,
    ) -> None:
        super().__init__(name=role.name, daemon=True)
        self._role = role
        self._stop_asked = stop
        self._health = health
        self._on_back = on_back
        self._absences = absences or Absences()
        self._away = False
        self._throttle = Throttle(seconds=60)

    def run(self) -> None:
        """Step until stopped."""
        while not self._stop_asked.is_set():
            pause = self._step()
            self._health.tick(self._role.name, away=self._away)
            self._pause(pause)
        self._role.reset()

    def _pause(self, seconds: float) -> None:
        """Wait, and give signs of life: a role may have nothing to do for long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stop_asked.wait(min(left, 1.0)):
            self._health.tick(self._role.name, away=self._away)

    def _step(self) -> float:
        try:
            pause = self._role.step()
        except StoreUnavailable as error:
            self._role.reset()
            self._note_away(error)
            return RETRY
        except Exception:  # noqa: BLE001 - one bad entry or key must not stop the whole worker
            self._role.reset()
            if self._throttle.allows("unforeseen"):
                _log.exception("%s failed; it goes on in %.0f s", self._role.name, CAUTION)
            return CAUTION
        self._note_back()
        return pause

    def _note_away(self, error: StoreUnavailable) -> None:
        if not self._away:
            self._away = True
            self._absences.begin(self._role.name, error)

    def _note_back(self) -> None:
        if self._away:
            self._away = False
            self._absences.end(self._role.name)
            self._on_back("a reconnect")
