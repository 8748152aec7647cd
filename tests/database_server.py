"""A real database server, started by the tests and always ended by them."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path

from .wait import wait_until
from .whole import Whole

#: Seconds for a start and for a stop.
PATIENCE = 30

#: What a server's command begins with: it ends when the tests do, however they end.
GUARD = ["setpriv", "--pdeathsig", "KILL"]


class DatabaseServer(Whole):
    """A server with a directory of its own, reached through a socket there; it can be stopped and started again."""

    #: What asks it to stop without waiting for its clients.
    farewell = signal.SIGTERM

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="db-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def directory(self) -> Path:
        """Where its socket, its data and its log are."""
        return Path(self._directory.name)

    @property
    def data(self) -> Path:
        """Where its data is."""
        return self.directory / "data"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._answers, f"{self.command()[0]} to answer", PATIENCE)

    def stop(self) -> None:
        """Let it stop in order, and at once: its clients are cut off."""
        if self._process is not None:
            self._process.send_signal(self.farewell)
            self._process.wait(PATIENCE)
            self._process = None

    def initialise(self) -> None:
        """Make what it needs for its first start."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """Return what starts it in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it takes connections."""
        raise NotImplementedError

    @property
    def _log(self) -> Path:
        return self.directory / "server.log"

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended as it started:\n{self._log.read_text()[-2000:]}")
        return self.answers()

    def _begin(self) -> None:
        self.initialise()
        self.start()

    def _end(self) -> None:
        self.stop()
        self._directory.cleanup()
