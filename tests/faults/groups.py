"""A cluster, and a primary that Sentinels watch, as the faults see them: primaries, and who takes over from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from session_store.keys import ShardKeys
from tests.cluster.node import Node, Server
from tests.cluster.sentinels import SentinelServers
from tests.cluster.servers import ClusterServers


class Group(Protocol):
    """Servers of which one takes over from another."""

    @property
    def url(self) -> str:
        """How clients reach it."""

    @property
    def servers(self) -> Sequence[Server]:
        """All that keep sessions."""

    @property
    def primaries(self) -> Sequence[Server]:
        """Those that can be written to."""

    def primary_of(self, keys: ShardKeys) -> Server:
        """Return who has a shard."""

    def replicas_of(self, primary: Server) -> Sequence[Server]:
        """Return those of which one would take over."""

    def wait_for_successor(self, primary: Server, keys: ShardKeys) -> Server:
        """Wait until another serves a shard that this one had."""

    def begin_failover(self, primary: Server, *words: str) -> None:
        """Ask a replica to take over, and don't wait for it."""

    def wait_until_settled(self) -> None:
        """Wait until all that are awake agree."""


class ClusterGroup:
    """A cluster."""

    def __init__(self, cluster: ClusterServers) -> None:
        self.cluster = cluster

    @property
    def url(self) -> str:
        return self.cluster.url

    @property
    def servers(self) -> Sequence[Node]:
        return self.cluster.nodes

    @property
    def primaries(self) -> Sequence[Node]:
        return self.cluster.primaries

    def primary_of(self, keys: ShardKeys) -> Node:
        return self.cluster.owner_of(keys.sessions)

    def replicas_of(self, primary: Server) -> Sequence[Node]:
        assert isinstance(primary, Node)
        return self.cluster.replicas_of(primary)

    def wait_for_successor(self, primary: Server, keys: ShardKeys) -> Node:
        assert isinstance(primary, Node)
        return self.cluster.wait_for_new_owner(keys.sessions, primary)

    def begin_failover(self, primary: Server, *words: str) -> None:
        assert isinstance(primary, Node)
        self.cluster.begin_failover(primary, *words)

    def wait_until_settled(self) -> None:
        self.cluster.wait_until_settled()


class SentinelGroup:
    """A primary, its replicas, and their Sentinels."""

    def __init__(self, watched: SentinelServers) -> None:
        self.watched = watched

    @property
    def url(self) -> str:
        return self.watched.url

    @property
    def servers(self) -> Sequence[Server]:
        return self.watched.servers

    @property
    def primaries(self) -> Sequence[Server]:
        return [self.watched.primary]

    def primary_of(self, keys: ShardKeys) -> Server:  # noqa: ARG002 - one has all
        return self.watched.primary

    def replicas_of(self, primary: Server) -> Sequence[Server]:  # noqa: ARG002 - all follow the same
        return self.watched.replicas

    def wait_for_successor(self, primary: Server, keys: ShardKeys) -> Server:  # noqa: ARG002 - one has all
        return self.watched.wait_for_new_primary(primary)

    def begin_failover(self, primary: Server, *words: str) -> None:  # noqa: ARG002 - there is one
        self.watched.begin_failover(*words)

    def wait_until_settled(self) -> None:
        self.watched.wait_until_settled()
