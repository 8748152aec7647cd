"""The supervisord that runs all of the demo's programs."""

from __future__ import annotations

import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from supervisor.xmlrpc import SupervisorTransport

from .config import Config
from .errors import DemoError
from .leash import adopt_orphans, end_orphans, end_with_parent
from .log_tail import last_lines

CONFIGURATION = Path(__file__).with_name("supervisord.conf")

#: Seconds for an ordered stop: all programs' stopwaitsecs, one after the other, are less.
PATIENCE = 50.0

#: States of a program that did not stay up at the first try.
STUMBLED = {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}

#: States of a program that supervisord will not start again.
GIVEN_UP = {"FATAL", "UNKNOWN"}


class Supervisord:
    """Runs while entered; when left, everything it started has ended."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = dict(environ)
        self._output = config.logs / "supervisord.out.log"

    def __enter__(self) -> Self:
        adopt_orphans()
        user = ["--user", "root"] if os.getuid() == 0 else []  # else supervisord complains of being root
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(CONFIGURATION), *user],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on, once
                preexec_fn=end_with_parent,  # noqa: PLW1509 - there are no threads here
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        end_orphans()

    def running(self) -> bool:
        """Return whether every program that should run has stayed up.

        Raises:
            DemoError: one did not, or supervisord has ended.
        """
        states = self._states(STUMBLED)
        return bool(states) and set(states) == {"RUNNING"}

    def check(self) -> None:
        """Make sure that supervisord runs and has given up no program.

        Raises:
            DemoError: that is not so.
        """
        self._states(GIVEN_UP)

    def _states(self, failed: set[str]) -> list[str]:
        if self._process.poll() is not None:
            raise _ended("supervisord", self._output)
        programs = self._programs()
        for each in programs:
            if each["statename"] in failed:
                raise _ended(each["name"], Path(each["stderr_logfile"] or each["stdout_logfile"]))
        return [each["statename"] for each in programs]

    def _programs(self) -> Any:
        # A transport that has failed once stays unusable, so each call has its own.
        transport = SupervisorTransport(serverurl=f"unix://{self._config.socket}")
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            try:
                return proxy.supervisor.getAllProcessInfo()
            except (OSError, xmlrpc.client.Error):
                return []  # it does not answer yet, or it is about to end, which the next look will see


def _ended(name: str, log: Path) -> DemoError:
    return DemoError(f"{name} does not stay up. The end of {log}:\n{last_lines(log)}")
