"""Which roles a worker has, and what they share."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from session_store import Store

from .audit_log import AuditLog
from .auditor import Auditor
from .config import WorkerConfig
from .health import Health
from .heartbeat import Heartbeat
from .lane import Lane, lanes_of
from .listener import Listener
from .loop import Loop, Role
from .metrics import Metrics
from .monitor import Monitor
from .presence_pruner import PresencePruner
from .reconciler import Reconciler
from .report import Report, Reporter
from .sweeper import Sweeper

#: Seconds that the worker waits for an answer, at least: nobody waits for the worker, and what it gives up too soon
#: Redis does in vain, and has to do again.
PATIENCE = 2.0

_log = logging.getLogger(__name__)


class Crew:
    """The roles of one worker: some a lane, the others once.

    Args:
        config: the settings.
        ways: by which of events, deadlines and reconcile it is to learn of ends.
    """

    def __init__(self, config: WorkerConfig, ways: Iterable[str]) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self.health = Health()
        self.metrics = Metrics(self.health)
        self._config = config
        self._ways = frozenset(ways)
        patient = replace(config.store, redis_timeout=max(config.store.redis_timeout, PATIENCE))
        self._store = Store(patient, pause=0)
        self._lanes = lanes_of(self._store)
        self._log = AuditLog(config.audit_log)
        self._pruner = PresencePruner(store=self._store)
        self._report = Report(self.metrics, self.health, tell=self._pruner.note)
        self._reconcilers = [Reconciler(store=self._store, lane=lane, report=self._report) for lane in self._lanes]

    def auditors(self, stop: threading.Event) -> list[Loop]:
        """Return what carries events to the audit log, of every lane."""
        auditors = [
            Auditor(store=self._store, lane=lane, log=self._log, report=self._report, health=self.health)
            for lane in self._lanes
        ]
        return [
            self._loop(role, stop, partial(self._suspect, [reconciler]))
            for role, reconciler in zip(auditors, self._reconcilers, strict=True)
        ]

    def close(self) -> None:
        """Let another crew write the audit log; all auditors have ended."""
        self._log.close()

    def finders(self, stop: threading.Event) -> list[Loop]:
        """Return what brings about ends, and what looks after it."""
        listener = Listener(
            store=self._store,
            lanes=self._lanes,
            report=self._report,
            health=self.health,
            set_flags=self._config.set_flags,
            on_gap=self.suspect,
        )
        roles: list[Role] = [
            *([listener] if "events" in self._ways else []),
            Monitor(store=self._store, health=self.health, on_gap=self.suspect, on_flags=listener.rebuild),
            self._pruner,
            Heartbeat(store=self._store, name=self.name, health=self.health),
            Reporter(report=self._report, health=self.health),
        ]
        of_lanes = [
            loop
            for lane, reconciler in zip(self._lanes, self._reconcilers, strict=True)
            for loop in self._finders_of(lane, reconciler, stop)
        ]
        return [*of_lanes, *(self._loop(role, stop, self.suspect) for role in roles)]

    def suspect(self, why: str) -> None:
        """Something may have been missed, nobody knows where: reconcile at once."""
        self._suspect(self._reconcilers, why)

    def _finders_of(self, lane: Lane, reconciler: Reconciler, stop: threading.Event) -> list[Loop]:
        roles: dict[str, Role] = {
            "deadlines": Sweeper(store=self._store, lane=lane, report=self._report, worker=self.name),
            "reconcile": reconciler,
        }
        on_back = partial(self._suspect, [reconciler])
        return [self._loop(role, stop, on_back) for way, role in roles.items() if way in self._ways]

    def _loop(self, role: Role, stop: threading.Event, on_back: Callable[[str], None]) -> Loop:
        return Loop(role, stop, health=self.health, on_back=on_back)

    def _suspect(self, reconcilers: Iterable[Reconciler], why: str) -> None:
        _log.debug("reconciling after %s", why)
        self._report.gap()
        for reconciler in reconcilers:
            reconciler.hurry()
