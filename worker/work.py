"""The worker as a whole: in which order its roles start and stop."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time

from .config import WorkerConfig
from .crew import Crew
from .health import Health
from .http import serve_health
from .loop import Loop
from .metrics import Metrics

#: The three ways in which the worker learns of an end; each works alone.
WAYS = ("events", "deadlines", "reconcile")

#: Seconds between two moments at which the main thread can notice a signal that came to another thread.
LOOK = 0.2

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
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
    health = Health()
    metrics = Metrics(health)
    crew = Crew(config, ways, name=name, health=health, metrics=metrics)
    _log.info("%s started: %s; audit log %s", name, ", ".join(ways), config.audit_log.absolute())
    server = serve_health(*config.http, health=health, metrics=metrics) if config.http else None
    if config.http and server is None:
        # Without its page the watchdog would restart it for ever; supervisord gives a program up that doesn't start.
        return False
    _run(crew, stop)
    while not stop.is_set():
        health.begin_anew()
        crew = Crew(config, ways, name=name, health=health, metrics=metrics)
        _log.info("sessions are in %d shards by now: beginning anew, with these", crew.shards)
        _run(crew, stop)
    if server is not None:
        server.shutdown()
    _log.info("stopped")
    return True


def _run(crew: Crew, stop: threading.Event) -> None:
    """Have a crew work until it is told to stop, or has other shards to look after than it was made for."""
    enough, finders_done = threading.Event(), threading.Event()
    finders = crew.finders(enough)
    # The auditors go on until those that bring about ends have finished.
    auditors = crew.auditors(finders_done)
    for loop in (*auditors, *finders):
        loop.start()
    # The kernel may hand a signal to any thread; Python's handler runs when this one, the main thread, wakes.
    while not stop.wait(LOOK) and not crew.outdated.is_set():
        pass
    enough.set()
    if stop.is_set():
        _log.info("stopping: finishing what is in hand")
    deadline = time.monotonic() + DRAIN
    # A moment is kept for the auditors, whatever the others do.
    _join(finders, deadline - DRAIN / 2)
    finders_done.set()
    _join(auditors, deadline)
    crew.close()


def _join(loops: list[Loop], deadline: float) -> None:
    for loop in loops:
        while loop.is_alive() and (left := deadline - time.monotonic()) > 0:
            loop.join(min(left, LOOK))  # in between, a second signal is noticed
        if loop.is_alive():
            _log.warning("%s did not finish in time; what it had in hand is done at the next start", loop.name)
