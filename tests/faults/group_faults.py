"""What happens to a cluster, and to what Sentinels watch: under traffic, and mended afterwards."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from demo.cluster.topology import id_of
from session_store.keys import ShardKeys
from tests.cluster.node import Node
from tests.cluster.servers import ClusterServers, slot_of
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

from .group_world import GroupWorld
from .groups import ClusterGroup
from .hosts import WorkerOnHost

#: Slots beside a shard's own that move along with it.
RANGE = 20


@dataclass(frozen=True)
class GroupFault:
    """A fault, by name.

    Attributes:
        name: what happens, without the kind of group.
        strike: lets it happen once.
        loses: whether Redis itself may lose what it had acknowledged.
        sentinels: whether Sentinels watch over one primary; else it is a cluster.
        two_primaries: whether two servers may take writes for a moment.
        hosts: on how many hosts there is a worker.
        hits_workers: whether a worker is hit too.
        times: how often, in the long suite.
        longest: ms that sessions live at most: where they could live again, they must outlive the failover.
        options: of the servers.
    """

    name: str
    strike: Callable[[GroupWorld], None]
    loses: bool = False
    sentinels: bool = False
    two_primaries: bool = False
    hosts: int = 1
    hits_workers: bool = False
    times: int = 5
    longest: int = 2500
    options: dict[str, int | str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is called in the table, and on the command line."""
        return f"{'Sentinel' if self.sentinels else 'Cluster'}: {self.name}"


def kill_primary(world: GroupWorld) -> None:
    """It comes back as a replica."""
    primary = world.any_primary()
    world.lose(primary, primary.kill, primary.start)


def kill_primary_and_worker(world: GroupWorld) -> None:
    """The worker is killed at some moment of the failover, and at some moment after it."""
    primary, worker = world.any_primary(), world.rng.choice(world.workers)

    def fall() -> None:
        primary.kill()
        world.let_pass(0.0, 0.7)
        worker.kill()
        worker.start()

    def mend() -> None:
        world.let_pass(0.0, 0.5)
        worker.kill()
        worker.start()
        primary.start()

    world.lose(primary, fall, mend)


def kill_successor(world: GroupWorld) -> None:
    """A primary is killed, and as soon as it is back as a replica, the one that took over."""
    primary = world.any_primary()
    successor = world.lose(primary, primary.kill, primary.start, wait=False)
    world.lose(successor, successor.kill, successor.start)


def kill_all(world: GroupWorld) -> None:
    """As when the power fails; what they have acknowledged is on their disks."""

    def act() -> None:
        for server in world.group.servers:
            server.kill()
        world.let_pass(0.2, 1.0)
        for server in world.group.servers:
            server.launch()
        for server in world.group.servers:
            server.wait_until_up()
        world.group.wait_until_settled()

    world.change(list(world.shards), act)


def freeze_primary(world: GroupWorld) -> None:
    """It is cut off until another has taken over; then it comes back, and learns of it."""
    primary = world.any_primary()
    world.lose(primary, primary.pause, primary.resume)


def freeze_for_a_moment(world: GroupWorld) -> None:
    """It is back before another takes over."""
    primary = world.any_primary()

    def freeze() -> None:
        primary.pause()
        world.let_pass(0.3, 0.8)
        primary.resume()

    world.change(world.shards_of(primary), freeze)


def hand_over(world: GroupWorld) -> None:
    """As before an upgrade."""
    world.hand_over(world.any_primary())


def hand_over_in_order(world: GroupWorld) -> None:
    """As before an upgrade, with Valkey 9's Sentinels: the primary holds its clients until the replica has all."""
    world.hand_over(world.any_primary(), "COORDINATED")


def promote_a_laggard(world: GroupWorld) -> None:
    """The replicas miss what happens in the last second before the primary is killed."""
    primary = world.any_primary()
    world.lose(primary, primary.kill, primary.start, lag=world.rng.uniform(0.5, 1.0))


def move_keys(world: GroupWorld) -> None:
    """A range of slots moves as `redis-cli --cluster reshard` does it; one of them rests half way for a while."""
    cluster, keys = _cluster(world), world.rng.choice(world.shards)
    target = _another(world, keys)

    def act() -> None:
        for slot in _slots(keys):
            move = cluster.moving(slot, target)
            move.begin()
            if slot == slot_of(keys.sessions):
                move.carry(*move.keys(world.rng.randrange(1, 6)))
                world.let_pass(0.1, 0.8)
            move.finish()

    world.change([keys], act)


def move_slots(world: GroupWorld) -> None:
    """A range of slots moves at once, as Valkey 9 does it."""
    keys = world.rng.choice(world.shards)
    target = _another(world, keys)
    world.change([keys], lambda: _migrate(world, keys, target))


def kill_source(world: GroupWorld) -> None:
    """The primary that slots come from is killed while they move at once: then they have moved, or they have not."""
    keys = world.rng.choice(world.shards)
    source, target = _cluster(world).owner_of(keys.sessions), _another(world, keys)

    def fall() -> None:
        _begin_migration(source, target, keys)
        world.let_pass(0.0, 0.12)
        source.kill()

    world.lose(source, fall, source.start)


def join(world: GroupWorld) -> None:
    """A new node joins, and gets the slots of a shard."""
    keys = world.rng.choice(world.shards)
    world.change([keys], lambda: _migrate(world, keys, _cluster(world).add_node()))


def break_three_hosts(world: GroupWorld) -> None:
    """A primary is killed; meanwhile one worker is killed too, and another one's host is cut off, longer than that."""
    primary = world.any_primary()
    killed, cut = world.rng.sample(world.workers, 2)

    def fall() -> None:
        primary.kill()
        _cut(cut)
        world.let_pass(0.0, 0.7)
        killed.kill()
        killed.start()

    def mend() -> None:
        world.let_pass(0.5, 1.5)
        _uncut(cut)
        primary.start()

    world.lose(primary, fall, mend)


def _cut(worker: WorkerProcess) -> None:
    if isinstance(worker, WorkerOnHost):
        worker.host.cut()
    else:
        worker.signal(signal.SIGSTOP)


def _uncut(worker: WorkerProcess) -> None:
    if isinstance(worker, WorkerOnHost):
        worker.host.mend()
    else:
        worker.signal(signal.SIGCONT)


def _cluster(world: GroupWorld) -> ClusterServers:
    assert isinstance(world.group, ClusterGroup)
    return world.group.cluster


def _another(world: GroupWorld, keys: ShardKeys) -> Node:
    """Return a primary that does not have a shard."""
    cluster = _cluster(world)
    source = cluster.owner_of(keys.sessions)
    return world.rng.choice([node for node in cluster.primaries if node is not source])


def _slots(keys: ShardKeys) -> range:
    own = slot_of(keys.sessions)
    return range(own, own + 1 + RANGE)


def _migrate(world: GroupWorld, keys: ShardKeys, target: Node) -> None:
    cluster = _cluster(world)
    _begin_migration(cluster.owner_of(keys.sessions), target, keys)
    wait_until(lambda: cluster.owner_of(keys.sessions) is target, "the slots to have moved", 30)
    cluster.wait_until_settled()


def _begin_migration(source: Node, target: Node, keys: ShardKeys) -> None:
    slots = _slots(keys)
    words = ("SLOTSRANGE", slots[0], slots[-1], "NODE", id_of(target.admin))
    source.admin.execute_command("CLUSTER MIGRATESLOTS", *words)


GROUP_FAULTS = [
    GroupFault("primary killed", kill_primary, loses=True),
    GroupFault("primary and worker killed", kill_primary_and_worker, loses=True, hits_workers=True),
    GroupFault("primary killed, then its successor", kill_successor, loses=True),
    GroupFault("primary cut off, and back as a replica", freeze_primary, loses=True, two_primaries=True),
    GroupFault("primary cut off for a moment", freeze_for_a_moment),
    GroupFault("failover by hand", hand_over),
    GroupFault("lagging replica takes over", promote_a_laggard, loses=True, longest=8000),
    GroupFault("slots moved, key by key", move_keys),
    GroupFault("slots moved at once", move_slots),
    GroupFault("slots moved at once, their old primary killed", kill_source, loses=True, two_primaries=True),
    GroupFault("new node gets slots", join, times=3),
    GroupFault("all nodes killed, AOF always", kill_all, options={"appendonly": True, "appendfsync": "always"}),
    GroupFault(
        "three hosts, primary and one worker killed, one host cut off",
        break_three_hosts,
        loses=True,
        hosts=3,
        hits_workers=True,
    ),
    GroupFault("primary killed", kill_primary, loses=True, sentinels=True),
    GroupFault("primary and worker killed", kill_primary_and_worker, loses=True, hits_workers=True, sentinels=True),
    GroupFault(
        "primary cut off, and back as a replica", freeze_primary, loses=True, sentinels=True, two_primaries=True
    ),
    GroupFault("failover by hand", hand_over, loses=True, sentinels=True, two_primaries=True),
    GroupFault("failover by hand, COORDINATED", hand_over_in_order, sentinels=True, two_primaries=True),
    GroupFault("lagging replicas, one takes over", promote_a_laggard, loses=True, longest=8000, sentinels=True),
    GroupFault(
        "the same, with min-replicas-to-write 1",
        promote_a_laggard,
        loses=True,
        longest=8000,
        sentinels=True,
        options={"min_replicas_to_write": 1, "min_replicas_max_lag": 1},
    ),
]
