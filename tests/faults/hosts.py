"""Hosts on one machine: each has a network and a name of its own, and hangs on the others by a cable that can be cut.

Needs the rights to make network namespaces; the whole run is then in one of its own, which goes with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.whole import Whole
from tests.worker.processes import WorkerProcess

#: Where the servers are reached from all hosts.
CENTRE = "10.77.0.1"

#: Set within a run that has a network of its own.
INSIDE = "WIKI_TEST_HOSTS"


def apart() -> list[str] | None:
    """Return the words that run a command in a network of its own; None where that is not permitted."""
    words = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return None
    tried = subprocess.run([*words, "ip", "link", "add", "tried", "type", "bridge"], capture_output=True, check=False)
    return words if tried.returncode == 0 else None


class Host(Whole):
    """A host, while its context lasts."""

    def __init__(self, number: int) -> None:
        self.name = f"host{number}"
        self._cable = f"cable{number}"
        self._address = f"10.77.0.{10 + number}/24"
        self._holder: subprocess.Popen[str] | None = None

    def _begin(self) -> None:
        # It holds the namespaces, while the processes within come and go.
        guarded = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts"]
        self._holder = subprocess.Popen(
            [*guarded, "sh", "-c", "echo; exec sleep infinity"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout
        self._holder.stdout.readline()
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
        _ip("link", "set", self._cable, "master", "switch", "up")
        for words in (["hostname", self.name], ["ip", "addr", "add", self._address, "dev", "eth0"]):
            subprocess.run([*self.within, *words], check=True)
        for link in ("lo", "eth0"):
            subprocess.run([*self.within, "ip", "link", "set", link, "up"], check=True)

    def _end(self) -> None:
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()

    @property
    def within(self) -> list[str]:
        """The words that run a command on this host."""
        assert self._holder is not None
        return ["nsenter", "--target", str(self._holder.pid), "--net", "--uts"]

    def cut(self) -> None:
        """Cut the cable: what is sent is lost, and nobody is told."""
        _ip("link", "set", self._cable, "down")

    def mend(self) -> None:
        """Mend the cable."""
        _ip("link", "set", self._cable, "up")


class Hosts(Whole):
    """Some hosts on a switch, to which the servers are joined too."""

    def __init__(self, count: int) -> None:
        self.hosts = [Host(number) for number in range(count)]
        self._running = ExitStack()

    def _begin(self) -> None:
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "switch", "type", "bridge")
        _ip("addr", "add", f"{CENTRE}/24", "dev", "switch")
        _ip("link", "set", "switch", "up")
        for host in self.hosts:
            self._running.enter_context(host)

    def _end(self) -> None:
        self._running.close()


class WorkerOnHost(WorkerProcess):
    """A worker on one of the hosts."""

    def __init__(self, host: Host, directory: Path, url: str, **settings: str) -> None:
        super().__init__(directory, url.replace("127.0.0.1", CENTRE), **settings)
        self.host = host

    @property
    def _command(self) -> list[str]:
        return [*self.host.within, *super()._command]


def _ip(*words: str) -> None:
    command = ["ip", *words]
    subprocess.run(command, check=True)
