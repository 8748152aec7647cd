"""The demo as a person runs it: a process with a directory and ports of its own, always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from demo.cluster.ports import free_ports
from tests.wait import wait_until
from tests.whole import Whole

ROOT = Path(__file__).resolve().parents[2]

#: Seconds for a start or a stop on a machine that is busy with other tests too.
PATIENCE = 90


class Demo(Whole):
    """``python -m demo``, running while its context lasts."""

    def __init__(self, var: Path, **settings: str) -> None:
        """Prepare one.

        Args:
            var: its directory.
            settings: variables; the ports are free ones unless given.
        """
        self.var = var
        self.site_port, self.wiki_port = free_ports(2)  # no client is given one of these before they are used
        self._output = var.with_name(f"demo-{self.site_port}.out")
        self._environment = _environment() | {
            "DEMO_VAR": str(var),
            "SITE_PORT": str(self.site_port),
            "WIKI_PORT": str(self.wiki_port),
            **settings,
        }

    def _begin(self) -> None:
        self.start()
        wait_until(self._is_up_or_ended, "the demo to be up", PATIENCE)
        assert self.process.poll() is None, self.said

    def _end(self) -> None:
        self.clear()

    @property
    def site(self) -> str:
        """Where the site is."""
        return f"http://localhost:{self.site_port}"

    @property
    def wiki(self) -> str:
        """Where the wiki is."""
        return f"http://localhost:{self.wiki_port}"

    @property
    def said(self) -> str:
        """What it has printed."""
        return self._output.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What is in its audit log: whole lines."""
        text = (self.var / "audit.jsonl").read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    @property
    def ends(self) -> list[dict[str, Any]]:
        """The ends in its audit log."""
        return [event for event in self.events if event["event"]["action"] == "session-ended"]

    def start(self) -> None:
        """Start it, and don't wait."""
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does; return its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def programs(self) -> dict[int, str]:
        """Return the processes that work in its directory, whoever their parent is now: id and command."""
        return dict(_processes_with(f"DEMO_VAR={self.var}"))

    def clear(self) -> None:
        """End it and everything it has started."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.programs():
            os.kill(pid, signal.SIGKILL)

    def _is_up_or_ended(self) -> bool:
        return "Ctrl-C stops everything" in self.said or self.process.poll() is not None


class FailingDemo(Demo):
    """A demo that is expected to give up by itself: entering waits for that."""

    def _begin(self) -> None:
        self.start()
        assert self.wait() == 1, self.said


def _environment() -> dict[str, str]:
    ours = ("DEMO_", "WIKI_", "SITE_", "REDIS_", "CLUSTER_", "DJANGO_")
    return {name: text for name, text in os.environ.items() if not name.startswith(ours)}


def _processes_with(setting: str) -> list[tuple[int, str]]:
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            settings = (directory / "environ").read_bytes().split(b"\0")
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's
        if setting.encode() in settings:
            found.append((int(directory.name), command))
    return found
