"""Real workers, each a process of its own, always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers import as_user
from tests.wait import wait_until
from tests.whole import Whole

#: Seconds that a start and what comes soon after it may take on a busy machine.
PATIENCE = 30


class WorkerProcess(Whole):
    """``python -m worker run`` in a directory of its own."""

    program = "worker"

    def __init__(self, directory: Path, url: str, *words: str, **settings: str) -> None:
        self.directory = directory
        self.audit_log = directory / "audit.jsonl"
        self._log = directory / "worker.log"
        self._words = words
        self._environment = environment(url, settings)
        self._process: subprocess.Popen[bytes] | None = None

    def _begin(self) -> None:
        self.start()

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def events(self) -> list[dict[str, Any]]:
        """What is in its audit log: whole lines."""
        if not self.audit_log.exists():
            return []
        text = self.audit_log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    @property
    def ends(self) -> dict[str, str]:
        """The reason of every end in its audit log, by sid; one that ended twice fails the test."""
        found: dict[str, str] = {}
        for event in self.events:
            if event["event"]["action"] == "session-ended":
                sid = event["session"]["id"]
                assert sid not in found, f"{sid} ended twice"
                found[sid] = event["event"]["reason"]
        return found

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.directory,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", self.program, "run", *self._words]

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Wait until it has logged something."""
        wait_until(lambda: self.log.count(text) >= times, f"{text!r} in the worker's log {self._log}", PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        assert self._process is not None
        return self._process.wait(10)


def environment(url: str, settings: Mapping[str, str] = {}) -> dict[str, str]:
    """Return a worker's environment."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("WIKI_")}
    return {
        **ours,
        "PYTHONPATH": os.getcwd(),  # noqa: PTH109 - text is wanted
        "WIKI_REDIS_URL": as_user(url, "wiki-worker"),
        "WIKI_WORKER_HTTP": "",
        **settings,
    }


def run_command(url: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one of the worker's commands to its end."""
    return subprocess.run(
        [sys.executable, "-m", "worker", *words],
        env=environment(url, settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
