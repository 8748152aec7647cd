"""Ports for servers that die and come back: no client is ever given one of them in between."""

from __future__ import annotations

import random
import socket

#: Below what Linux gives to clients (from 32768 on). A node that tries again and again to reach a dead neighbour in
#: that range would in the end reach itself: TCP connects a port with itself where nobody listens.
FIRST, LAST = 10_000, 22_000

#: How far the port between the nodes of a cluster is from the one for clients, unless told otherwise.
BUS = 10_000

_chance = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, nor on the one `BUS` above each."""
    found: set[int] = set()
    while len(found) < count:
        port = _chance.randrange(FIRST, LAST)
        if _is_free(port) and _is_free(port + BUS):
            found.add(port)
    return sorted(found)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
