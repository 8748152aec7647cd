"""Ports for servers that die and come back: no client is ever given one of them in between."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

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
        if not taken([port]):
            found.add(port)
    return sorted(found)


def free_row(count: int) -> range:
    """Return ports like those of `free_ports`, one after the other."""
    while True:
        first = _chance.randrange(FIRST + 1, LAST, 10)  # so that the last digit of node 1's port is 1
        row = range(first, first + count)
        if not taken(row):
            return row


def taken(ports: Iterable[int]) -> list[int]:
    """Return those that a node can't have, or not the one `BUS` above."""
    return [port for port in ports if not (_is_free(port) and _is_free(port + BUS))]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free; servers see it so too
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
