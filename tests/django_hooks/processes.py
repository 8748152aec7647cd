"""``manage.py audit_log``, each a process of its own, always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.servers import as_user
from tests.wait import wait_until
from tests.whole import Whole

from .databases import Database


class Command(Whole):
    """A command of the site's, in a directory of its own."""

    def __init__(self, directory: Path, database: Database, redis_url: str, *words: str, **settings: str) -> None:
        directory.mkdir(exist_ok=True)
        self._log = directory / "follower.log"
        self.heard_log = directory / "heard"
        self._words = [sys.executable, "-m", "django", *words]
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.django_hooks.settings_process",
            "PYTHONPATH": os.getcwd(),  # noqa: PTH109 - text is wanted
            "TEST_DATABASE": json.dumps(database.settings),
            "TEST_REDIS": as_user(redis_url, "wiki-site"),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def _begin(self) -> None:
        self.start()

    def _end(self) -> None:
        if self.running:
            assert self._process is not None
            self._process.kill()
            self._process.wait(10)

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def heard(self) -> list[str]:
        """What receivers of its signals were told."""
        return self.heard_log.read_text().split() if self.heard_log.exists() else []

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._words, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait_for_log(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.log.count(text) >= times, f"{text!r} in the log {self._log}", 20)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(20)
