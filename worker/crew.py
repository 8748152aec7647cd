"""Which roles a worker has, and what they share."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from session_store import Store, StoreUnavailable

from .absences import Absences
from .audit_log import AuditLog
from .auditor import Auditor
from .canary import Canary
from .config import WorkerConfig
from .flags_keeper import FlagsKeeper
from .forgetter import Forgetter
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
        name: the worker's.
        health: what it knows of itself.
        metrics: what it counts.

    Attributes:
        outdated: set when there are other shards to look after than it was made for.
        shards: how many it was made for.
    """

    def __init__(
        self, config: WorkerConfig, ways: Iterable[str], *, name: str, health: Health, metrics: Metrics
    ) -> None:
        self._name = name
        self._health = health
        self._ways = frozenset(ways)
        patient = replace(config.store, redis_timeout=max(config.store.redis_timeout, PATIENCE))
        self._store = Store(patient, pause=0)
        with suppress(StoreUnavailable):  # then the monitor finds it out
            self._store.learn()
        self._lanes = lanes_of(self._store)
        self.shards = sum(len(lane.shards) for lane in self._lanes)
        self.outdated = threading.Event()
        self._absences = Absences(self._concerned)
        self._log = AuditLog(config.audit_log)
        self._pruner = PresencePruner(store=self._store)
        self._report = Report(metrics, health, tell=self._pruner.note)
        self._reconcilers = {
            lane: Reconciler(store=self._store, lane=lane, report=self._report) for lane in self._lanes
        }
        self._canaries = [Canary(store=self._store, lane=lane) for lane in self._lanes]
        self._flags = FlagsKeeper(config=patient, may_set=config.set_flags, health=health)
        self._listener = Listener(
            store=self._store,
            lanes=self._lanes,
            canaries=self._canaries,
            report=self._report,
            health=health,
            flags=self._flags,
            on_gap=self.suspect,
        )

    def auditors(self, stop: threading.Event) -> list[Loop]:
        """Return what carries events to the audit log, of every lane."""
        return [
            self._loop(
                Auditor(store=self._store, lane=lane, log=self._log, report=self._report, health=self._health),
                stop,
                [lane],
            )
            for lane in self._lanes
        ]

    def close(self) -> None:
        """Let another crew write the audit log; all auditors have ended."""
        self._log.close()

    def finders(self, stop: threading.Event) -> list[Loop]:
        """Return what brings about ends, and what looks after it."""
        listening: list[Role] = [self._listener, *self._canaries] if "events" in self._ways else []
        flags = self._flags if listening else None
        ranks = [lane.rank for lane in self._lanes]
        roles: list[Role] = [
            *listening,
            Monitor(
                store=self._store,
                health=self._health,
                flags=flags,
                on_gap=self.suspect,
                ranks=ranks,
                on_shards=self._look_at_shards,
                absences=self._absences,
            ),
            self._pruner,
            Forgetter(store=self._store),
            Heartbeat(store=self._store, name=self._name, health=self._health, ranks=ranks),
            Reporter(report=self._report, health=self._health),
        ]
        of_lanes = [self._loop(role, stop, [lane]) for lane in self._lanes for role in self._finders_of(lane)]
        return [*of_lanes, *(self._loop(role, stop, self._lanes) for role in roles)]

    def suspect(self, why: str, *, node: str = "") -> None:
        """Something may have been missed, of a node or nobody knows where: reconcile at once."""
        self._reconcile([lane for lane in self._lanes if not node or self._is_at(lane, node)], why)

    def _look_at_shards(self, count: int) -> None:
        if count != self.shards:
            self.outdated.set()

    def _finders_of(self, lane: Lane) -> list[Role]:
        roles: list[Role] = []
        if "deadlines" in self._ways:
            roles.append(Sweeper(store=self._store, lane=lane, report=self._report, worker=self._name))
        if "reconcile" in self._ways:
            roles.append(self._reconcilers[lane])
        return roles

    def _loop(self, role: Role, stop: threading.Event, lanes: Iterable[Lane]) -> Loop:
        """Return a role's thread; `lanes`: where something may have been missed while Redis was away from it."""

        def on_back(why: str) -> None:
            self._reconcile(lanes, why)
            # Where it is back may be another server.
            self._listener.doubt()

        return Loop(role, stop, health=self._health, on_back=on_back, absences=self._absences)

    def _concerned(self, server: str) -> str:
        """Say who waits while a server can't be reached."""
        there = sum(self._node_of(lane) == server for lane in self._lanes)
        return f"{there} of {self.shards} shards wait" if 0 < there < self.shards else "the worker waits"

    def _reconcile(self, lanes: Iterable[Lane], why: str) -> None:
        _log.debug("reconciling after %s", why)
        self._report.gap()
        for lane in lanes:
            self._reconcilers[lane].hurry()

    def _is_at(self, lane: Lane, node: str) -> bool:
        return self._node_of(lane) in {node, None}

    def _node_of(self, lane: Lane) -> str | None:
        """Return the name of the server that has a lane's shards; None: nobody knows."""
        try:
            return self._store.link.node_of(lane.shards[0].sessions).name
        except StoreUnavailable:
            return None
