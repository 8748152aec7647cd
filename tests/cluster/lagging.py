"""Replicas that lag behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from demo.cluster.topology import follows
from tests.wait import wait_until

from .node import Server


@contextmanager
def lagging(primary: Server, *replicas: Server) -> Iterator[None]:
    """Let replicas miss what their primary is told meanwhile, even when that is killed; then they go on.

    To pause them would not be enough: what the primary sends waits in the kernel.
    """
    wait_until(lambda: all(follows(replica.admin) for replica in replicas), "the replicas to have followed")
    left = _followers(primary) - len(replicas)
    for replica in replicas:
        replica.pause()
    try:
        primary.admin.client_kill_filter(_type="replica")
        wait_until(lambda: _followers(primary) <= left, "the replicas to be cut off")
        yield
    finally:
        for replica in replicas:
            replica.resume()


def _followers(primary: Server) -> int:
    return int(primary.admin.info("replication")["connected_slaves"])
