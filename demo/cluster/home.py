"""Where the nodes of the demo's cluster live: directories, and ports that they keep."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.errors import DemoError

from .ports import free_row, taken

#: Nodes, the first half of which begin as primaries. supervisord.conf has as many.
COUNT = 6


class Home:
    """A directory with one for each node.

    Args:
        place: the directory, which may not exist yet.
        first_port: that of node 1, the others' follow it; 0: those of last time if they are free, or any.
    """

    def __init__(self, place: Path, first_port: int) -> None:
        self.place = place
        self._note = place / "port"
        self._last = int(self._note.read_text()) if self._note.exists() else 0
        self.ports = self._choose(first_port)

    @property
    def is_new(self) -> bool:
        """Whether the nodes have never become a cluster."""
        return not self._last

    @property
    def has_moved(self) -> bool:
        """Whether they had other ports last time."""
        return self._last != self.ports[0]

    def check_ports(self) -> None:
        """Make sure that nobody else listens there.

        Raises:
            DemoError: somebody does.
        """
        if missing := taken(self.ports):
            raise DemoError(
                f"Port {missing[0]} is taken, or the one 10000 above it, where the nodes talk to each other. "
                f"Choose others: CLUSTER_PORT={free_row(COUNT)[0]} make demo-cluster"
            )

    def prepare(self) -> None:
        """Make the nodes' directories; what never became a cluster holds nothing."""
        if self.is_new:
            shutil.rmtree(self.place, ignore_errors=True)
        for number in range(1, COUNT + 1):
            node = self.place / str(number)
            node.mkdir(parents=True, exist_ok=True, mode=0o700)
            # One is left where the machine was switched off. Nobody has taken over then, so nobody must wait.
            (node / "node.pid").unlink(missing_ok=True)

    def settle(self) -> None:
        """Note that they are a cluster, at these ports."""
        self._note.write_text(f"{self.ports[0]}\n")

    def _choose(self, first: int) -> range:
        row = range(first or self._last, (first or self._last) + COUNT)
        return row if first or (self._last and not taken(row)) else free_row(COUNT)
