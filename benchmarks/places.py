"""Redis as one server, as one with a file and a replica, and as a cluster; and what it has used so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass

from session_store import Store
from tests.cluster.servers import ClusterServers
from tests.servers import RedisServer
from tests.wait import wait_until

from .filling import store_at
from .processes import cpu_seconds

#: Shards on a cluster of three primaries: they lie on them as evenly as so few can.
SHARDS = 24


#: Seconds between two looks, and for which it is looked at most.
PAUSE, PATIENCE = 0.03, 600


@dataclass(frozen=True)
class Used:
    """What the servers of a place have used.

    Attributes:
        cpu: µs of their processors.
        net: bytes between them and their clients, both ways.
        replica: bytes for each replica.
        file: bytes of the append-only file.
    """

    cpu: float
    net: float
    replica: float
    file: float

    def since(self, before: Used, count: int = 1) -> Used:
        """Return what was used since then, for each of so many."""
        return Used(*((now - then) / count for now, then in zip(astuple(self), astuple(before), strict=True)))


@dataclass(frozen=True)
class Place:
    """Servers that take writes, and a store on them."""

    url: str
    store: Store
    servers: Sequence[RedisServer]

    def used(self) -> Used:
        """Return what they have used so far."""
        found = Used(0, 0, 0, 0)
        for server in self.servers:
            with server.client() as client:
                info = client.info()
            ours = info["total_net_input_bytes"] + info["total_net_output_bytes"]
            found = Used(
                found.cpu + cpu_seconds(server.pid) * 1e6,
                found.net + ours - info.get("total_net_repl_output_bytes", 0),
                found.replica + info["master_repl_offset"],
                found.file + info.get("aof_current_size", 0),
            )
        return found

    def wait_until_written(self) -> None:
        """Wait until a worker has written down all that began and ended."""
        # The stream is emptied by the acknowledgement, which follows the sync.
        streams = [keys.audit for keys in self.store.keys.shards]
        _wait(lambda: not any(self.store.command("XLEN", each) for each in streams))

    def wait_until_over(self) -> None:
        """Wait until every session has ended, and that is written down."""
        _wait(lambda: self.store.count() == 0)
        self.wait_until_written()


def _wait(condition: Callable[[], bool]) -> None:
    """Wait as tests do, but ask so seldom that it hardly costs Redis anything."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(PAUSE)


@contextmanager
def one_server(*, shards: int = 1) -> Iterator[Place]:
    """Start one server that keeps everything in memory."""
    with RedisServer() as server:
        yield Place(server.url, store_at(server.url, shards=shards), [server])


@contextmanager
def server_with_replica() -> Iterator[Place]:
    """Start one server with an append-only file and a replica, as an operator would."""
    with RedisServer(appendonly=True, appendfsync="everysec") as server, RedisServer() as replica:
        with replica.client() as client:
            client.replicaof("127.0.0.1", server.port)
            wait_until(lambda: client.info("replication").get("master_link_status") == "up", "the replica", 60)
        yield Place(server.url, store_at(server.url), [server])


@contextmanager
def cluster() -> Iterator[Place]:
    """Start a cluster of three primaries."""
    with ExitStack() as stack:
        servers = stack.enter_context(ClusterServers(replicas=0))
        yield Place(servers.url, store_at(servers.url, shards=SHARDS), servers.nodes)
