"""The worker as a whole: which roles there are, and in which order they stop."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field, replace

from session_store import Store

from .auditor import Auditor
from .config import WorkerConfig
from .health import Health
from .heartbeat import Heartbeat
from .http import serve_health
from .listener import Listener
from .loop import Loop, Role
from .metrics import Metrics
from .monitor import Monitor
from .presence_pruner import PresencePruner
from .recent import Recent
from .reconciler import Reconciler
from .report import Report, Reporter
from .soon import Soon
from .sweeper import Sweeper

#: The three ways in which the worker learns of an end; each works alone.
WAYS = ("events", "deadlines", "reconcile")

#: Seconds between two moments at which the main thread can notice a signal that came to another thread.
LOOK = 0.2

#: Seconds that the worker waits for an answer, at least: nobody waits for the worker, and what it gives up too soon
#: Redis does in vain, and has to do again.
PATIENCE = 2.0

#: Seconds that a stop waits for all roles together to finish what they have in hand.
DRAIN = 4.0

_log = logging.getLogger(__name__)


def work(config: WorkerConfig, stop: threading.Event, *, ways: tuple[str, ...] = WAYS) -> bool:
    """Work until told to stop; return False where it could not begin, which the log says.

    Args:
        config: the settings.
        stop: set by whoever wants an end; every wait ends with it.
        ways: which of `WAYS` to use; all, but for tests and diagnosis.
    """
    crew = _Crew(config)
    finders = [crew.loop(role, stop) for role in crew.finders(ways)]
    # The auditor goes on until those that bring about ends have finished.
    finders_done = threading.Event()
    auditor = crew.loop(crew.auditor(), finders_done)
    _log.info("%s started: %s; audit log %s", crew.name, ", ".join(ways), config.audit_log.absolute())
    server = serve_health(*config.http, health=crew.health, metrics=crew.metrics) if config.http else None
    if config.http and server is None:
        # Without its page the watchdog would restart it for ever; supervisord gives a program up that doesn't start.
        return False
    for loop in (auditor, *finders):
        loop.start()
    # The kernel may hand a signal to any thread; Python's handler runs when this one, the main thread, wakes.
    while not stop.wait(LOOK):
        pass
    _log.info("stopping: finishing what is in hand")
    deadline = time.monotonic() + DRAIN
    # A moment is kept for the auditor, whatever the others do.
    _join(finders, deadline - DRAIN / 2)
    finders_done.set()
    _join([auditor], deadline)
    if server is not None:
        server.shutdown()
    _log.info("stopped")
    return True


@dataclass
class _Crew:
    """What the roles share."""

    config: WorkerConfig
    health: Health = field(default_factory=Health)
    behind: threading.Event = field(default_factory=threading.Event)
    soon: Soon = field(default_factory=Soon)

    def __post_init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        patient = replace(self.config.store, redis_timeout=max(self.config.store.redis_timeout, PATIENCE))
        self.store = Store(patient, pause=0)
        self.metrics = Metrics(self.health)
        self.pruner = PresencePruner(store=self.store)
        self.report = Report(self.metrics, self.health, tell=self.pruner.note)
        self.reconciler = Reconciler(store=self.store, report=self.report, behind=self.behind)

    def loop(self, role: Role, stop: threading.Event) -> Loop:
        return Loop(role, stop, health=self.health, on_back=self.suspect)

    def suspect(self, why: str) -> None:
        """Something may have been missed: reconcile at once."""
        _log.debug("reconciling after %s", why)
        self.report.gap()
        self.reconciler.hurry()

    def auditor(self) -> Role:
        return Auditor(
            store=self.store, report=self.report, health=self.health, soon=self.soon, path=self.config.audit_log
        )

    def finders(self, ways: tuple[str, ...]) -> list[Role]:
        recent = Recent()
        listener = Listener(
            store=self.store,
            report=self.report,
            health=self.health,
            set_flags=self.config.set_flags,
            on_gap=self.suspect,
            recent=recent,
            behind=self.behind,
        )
        sweeper = Sweeper(
            store=self.store,
            report=self.report,
            worker=self.name,
            soon=self.soon,
            recent=recent,
            behind=self.behind,
        )
        by_way: dict[str, Role] = {"events": listener, "deadlines": sweeper, "reconcile": self.reconciler}
        return [
            *(by_way[way] for way in ways),
            Monitor(store=self.store, health=self.health, on_gap=self.suspect, on_flags=listener.rebuild),
            self.pruner,
            Heartbeat(store=self.store, name=self.name, health=self.health),
            Reporter(report=self.report, health=self.health),
        ]


def _join(loops: list[Loop], deadline: float) -> None:
    for loop in loops:
        loop.join(max(0.0, deadline - time.monotonic()))
        if loop.is_alive():
            _log.warning("%s did not finish in time; what it had in hand is done at the next start", loop.name)
