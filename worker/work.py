"""The worker as a whole: which roles there are, and in which order they stop."""

from __future__ import annotations

import logging
import threading
import time

from session_store import Store

from .auditor import Auditor
from .config import WorkerConfig
from .listener import Listener
from .loop import Loop, Role
from .reconciler import Reconciler
from .report import Report, Reporter
from .sweeper import Sweeper

#: The three ways in which the worker learns of an end; each works alone.
WAYS = ("events", "deadlines", "reconcile")

#: Seconds that a stop waits for all roles together to finish what they have in hand.
DRAIN = 4.0

_log = logging.getLogger(__name__)


def work(config: WorkerConfig, stop: threading.Event, *, ways: tuple[str, ...] = WAYS) -> None:
    """Work until told to stop.

    Args:
        config: the settings.
        stop: set by whoever wants an end; every wait ends with it.
        ways: which of `WAYS` to use; all, but for tests and diagnosis.
    """
    store = Store(config.store, pause=0)
    report = Report()
    finders = [Loop(role, stop) for role in _finders(config, store, report, ways)]
    # The auditor goes on until those that bring about ends have finished.
    finders_done = threading.Event()
    auditor = Loop(Auditor(store=store, report=report, path=config.audit_log), finders_done)
    _log.info("started: %s; audit log %s", ", ".join(ways), config.audit_log.absolute())
    for loop in (auditor, *finders):
        loop.start()
    stop.wait()
    _log.info("stopping: finishing what is in hand")
    deadline = time.monotonic() + DRAIN
    # A moment is kept for the auditor, whatever the others do.
    _join(finders, deadline - DRAIN / 4)
    finders_done.set()
    _join([auditor], deadline)
    _log.info("stopped")


def _finders(config: WorkerConfig, store: Store, report: Report, ways: tuple[str, ...]) -> list[Role]:
    reconciler = Reconciler(store=store, report=report)
    listener = Listener(store=store, report=report, set_flags=config.set_flags, on_gap=reconciler.hurry)
    by_way: dict[str, Role] = {
        "events": listener,
        "deadlines": Sweeper(store=store, report=report),
        "reconcile": reconciler,
    }
    return [*(by_way[way] for way in ways), Reporter(store=store, report=report)]


def _join(loops: list[Loop], deadline: float) -> None:
    for loop in loops:
        loop.join(max(0.0, deadline - time.monotonic()))
        if loop.is_alive():
            _log.warning("%s did not finish in time; what it had in hand is done at the next start", loop.name)
