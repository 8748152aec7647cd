"""A cluster of real servers on loopback, which a test may break in every way in which clusters break."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import Any
from urllib.parse import urlsplit

from redis.crc import key_slot

from demo.cluster.joining import SLOTS, follow, join, meet
from demo.cluster.ports import free_ports
from demo.cluster.topology import agree, follows, knows, members, ready
from tests.certificates import Certificates
from tests.servers import ADMIN, password_of
from tests.wait import wait_until
from tests.whole import Whole

from .lagging import lagging
from .moving import SlotMove
from .node import Node

#: Milliseconds of silence after which a node is taken for dead; one of its replicas takes over about a second later.
NODE_TIMEOUT = 1500

#: Seconds for what takes several of those, on a busy machine.
PATIENCE = 30


class ClusterServers(Whole):
    """Primaries, each with replicas, joined into a cluster; all end with the context.

    `nodes` are the servers in the order in which they were made: those that began as primaries; then a replica of
    each; then what `add_node` has added. Who is what by now, `primaries`, `replicas` and `owner_of` find out.
    """

    def __init__(
        self,
        primaries: int = 3,
        *,
        replicas: int = 1,
        slots: range = range(SLOTS),
        node_timeout: int = NODE_TIMEOUT,
        full_coverage: bool = False,
        tls: Certificates | None = None,
        users: bool = False,
        **options: str | int | bool,
    ) -> None:
        """Prepare a cluster.

        Args:
            primaries: how many.
            replicas: how many each primary has.
            slots: which are covered; nobody has the others.
            node_timeout: milliseconds, `cluster-node-timeout`.
            full_coverage: whether the whole cluster is down where a slot is not covered.
            tls: what the nodes show; then they speak TLS alone, among themselves too.
            users: whether each node has the ACL users of site, wiki and worker.
            options: more settings of redis.conf, as `RedisServer` takes them.
        """
        self._primaries, self._replicas, self._slots = primaries, replicas, slots
        self._tls, self._users = tls, users
        self._options: dict[str, Any] = {
            "cluster_enabled": True,
            "cluster_node_timeout": node_timeout,
            "cluster_require_full_coverage": full_coverage,
            "repl_diskless_sync_delay": 0,
            **({"tls_cluster": True, "tls_replication": True} if tls else {}),
            **({"masteruser": ADMIN, "masterauth": password_of(ADMIN)} if users else {}),
            **({"masterauth": options["requirepass"]} if "requirepass" in options else {}),
            **options,
        }
        self._running = ExitStack()
        self.nodes: list[Node] = []

    @property
    def url(self) -> str:
        """How clients reach it, by any of its nodes."""
        parts = urlsplit(self.nodes[0].url)
        who = parts.netloc.rpartition("@")[0]
        places = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"{parts.scheme}+cluster://{who and who + '@'}{places}{parts.query and '/?' + parts.query}"

    @property
    def awake(self) -> list[Node]:
        """Those that run and are not paused."""
        return [node for node in self.nodes if node.awake]

    @property
    def primaries(self) -> list[Node]:
        """Those awake that have slots, and have them by right."""
        return [node for node in self.awake if any(self._owner(part[0]) is node for part in node.says.slots)]

    @property
    def replicas(self) -> list[Node]:
        """Those awake that follow another."""
        return [node for node in self.awake if "slave" in node.says.flags]

    def replicas_of(self, primary: Node) -> list[Node]:
        """Return those awake that follow this one, which may be dead."""
        return [node for node in self.awake if node.says.primary == primary.name]

    def owner_of(self, key: str | int) -> Node:
        """Return the primary that has a key, or a slot.

        Raises:
            LookupError: nobody who is awake has it.
        """
        owner = self._owner(slot_of(key))
        if owner is None:
            raise LookupError(f"nobody has {key!r}")
        return owner

    def count_keys(self, pattern: str = "*") -> int:
        """Return how many keys of a pattern all primaries have together."""
        return sum(1 for node in self.primaries for _ in node.admin.scan_iter(pattern, count=1000))

    def wait_for_new_owner(self, key: str | int, old: Node) -> Node:
        """Wait until another than the old one has a key or slot and serves it, and return that one."""

        def other() -> Node | None:
            owner = self._owner(slot_of(key))
            return owner if owner and owner is not old and ready(owner.admin) else None

        found = wait_until(other, f"another than the node at {old.port} to have {key!r}", PATIENCE)
        assert found
        return found

    def wait_until_settled(self) -> None:
        """Wait until all that are awake say the same, nobody of them is taken for dead, and replicas follow."""
        wait_until(self._is_settled, "the cluster to settle", PATIENCE)

    def failover(self, primary: Node, *words: str) -> Node:
        """Let a replica take over by hand, as before an upgrade, and return it when all know.

        Args:
            primary: whose slots.
            words: `FORCE` where it is dead, `TAKEOVER` where most primaries are.
        """
        seen = next(member for member in members(self.replicas_of(primary)[0].admin) if member.id == primary.name)
        replica = self.begin_failover(primary, *words)
        self.wait_for_new_owner(seen.slots[0][0], primary)
        self.wait_until_settled()
        return replica

    def begin_failover(self, primary: Node, *words: str) -> Node:
        """Ask a replica to take over, as `failover` does, and don't wait for it; return it."""
        replica = self.replicas_of(primary)[0]
        replica.admin.execute_command("CLUSTER FAILOVER", *words)
        return replica

    def moving(self, slot: int, to: Node) -> SlotMove:
        """Return the move of a slot, which has not begun yet."""
        source = self.owner_of(slot)
        others = [node.admin for node in self.primaries if node not in {source, to}]
        return SlotMove(slot, source.admin, to.admin, others)

    def move_slot(self, slot: int, to: Node) -> None:
        """Move a slot with all its keys, live."""
        move = self.moving(slot, to)
        move.begin()
        move.finish()

    def add_node(self, primary: Node | None = None) -> Node:
        """Let an empty node join, without slots, or as a replica of a primary; return it."""
        others = self.awake
        (node,) = self._launch(1)
        for other in others:
            meet(node.admin, other.admin)
        wait_until(self._know_each_other, "the new node to be known", PATIENCE)
        if primary:
            follow(node.admin, primary.admin)
        self.wait_until_settled()
        return node

    def lagging(self, replica: Node) -> AbstractContextManager[None]:
        """Let a replica miss what its primary is told meanwhile; see `lagging`."""
        primary = next(node for node in self.primaries if node.name == replica.says.primary)
        return lagging(primary, replica)

    def _begin(self) -> None:
        nodes = self._launch(self._primaries * (1 + self._replicas))
        clients = [node.admin for node in nodes]
        primaries, replicas = clients[: self._primaries], clients[self._primaries :]
        join(primaries, replicas, self._slots, lambda condition, what: wait_until(condition, what, PATIENCE))
        if not self._options["cluster_require_full_coverage"]:
            wait_until(lambda: all(ready(node.admin) for node in nodes), "each node to serve what it has", PATIENCE)

    def _end(self) -> None:
        self._running.close()

    def _launch(self, count: int) -> list[Node]:
        """Start nodes that know nothing yet, beside each other."""
        made = [
            Node(port=port, tls=self._tls, clear=True, users=self._users, **self._options) for port in free_ports(count)
        ]
        for node in made:
            self._running.push(node)
            node.launch()
        for node in made:
            node.wait_until_up()
            self.nodes.append(node)
            assert node.name
        return made

    def _owner(self, slot: int) -> Node | None:
        """Return who has a slot: of two who say so, such as one that was dead meanwhile, the later chosen one."""
        claims = [(node.says, node) for node in self.awake]
        return max(
            ((seen.epoch, node.port, node) for seen, node in claims if "master" in seen.flags and seen.has(slot)),
            default=(0, 0, None),
        )[2]

    def _know_each_other(self) -> bool:
        names = {node.name for node in self.awake}
        return all(knows(node.admin, names) for node in self.awake)

    def _is_settled(self) -> bool:
        names = {node.name for node in self.awake}
        seen = [member for node in self.awake for member in members(node.admin) if member.id in names]
        return (
            not any(member.flags & {"fail", "fail?"} for member in seen)
            and agree(node.admin for node in self.awake)
            and all(follows(node.admin) for node in self.replicas)
            and all(ready(node.admin) for node in self.awake)
        )


def slot_of(key: str | int) -> int:
    """Return the slot of a key; a slot is its own."""
    return key if isinstance(key, int) else int(key_slot(key.encode()))
