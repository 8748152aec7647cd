"""A cluster of the demo's own: three primaries, each with a replica."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import combinations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from demo.config import Config
from demo.errors import DemoError
from demo.ports import HOST
from demo.signals import StopSignals

from .home import COUNT, Home
from .joining import SLOTS, Wait, join, meet
from .sight import Sight, changes, look, role
from .topology import agree, follows, ready
from .waiting import Interrupted, patience
from .whose import slots_of_users

#: Seconds between looks at how the nodes fare.
LOOK = 1.0


class SixNodes:
    """The cluster.

    Args:
        config: what was asked for.
        stop: interrupts waiting.
    """

    starts = "a cluster of Redis"
    program = "node-1"

    def __init__(self, config: Config, stop: StopSignals) -> None:
        self._config = config
        self._home = Home(config.var / "cluster", config.cluster_port)
        self._wait: Wait = patience(stop)
        self._nodes = [_client(port) for port in self._home.ports]
        self._joined = False
        self._sights = [Sight(None)] * COUNT
        self._looked = 0.0

    @property
    def url(self) -> str:
        """Where all nodes are: any of them will do."""
        return f"redis+cluster://{','.join(f'{HOST}:{port}' for port in self._home.ports)}"

    def check(self) -> None:
        """Make sure that all ports are free.

        Raises:
            DemoError: they aren't.
        """
        self._home.check_ports()

    def prepare(self) -> None:
        """Make the nodes' directories."""
        self._home.prepare()

    def environment(self) -> dict[str, str]:
        """Return which programs they are, and the first one's port."""
        return {"DEMO_REDIS_PROGRAMS": "cluster/supervisord.conf", "CLUSTER_PORT": str(self._home.ports[0])}

    def answers(self) -> bool:
        """Whether the cluster serves all slots; where it is none yet, its nodes are joined."""
        try:
            return all(node.ping() for node in self._nodes) and (self._joined or self._join()) and self._serves()
        except (redis.ConnectionError, redis.TimeoutError, Interrupted):
            return False

    def describe(self) -> str:
        """Return what each node is, and how to kill one."""
        self._look()
        users = slots_of_users(self._config.database, self._config.shards)
        lines = ["a cluster of three primaries and three replicas; in brackets, whose sessions are there"]
        for number, (port, sight) in enumerate(zip(self._home.ports, self._sights, strict=True), 1):
            there = [name for name, slot in users.items() if any(slot in part for part in sight.slots)]
            names = f" ({', '.join(there)})" if there else ""
            lines.append(f"node {number}  {HOST}:{port}  process {sight.pid}  {role(number, self._sights)}{names}")
        victim = next((sight.pid for sight in self._sights if sight.slots), "…")
        lines += [f"kill -9 {victim} ends a primary: its replica takes over within three seconds, and"]
        lines += ["ten seconds later supervisord starts it again, as a replica"]
        return "\n             ".join(lines)

    def news(self) -> list[str]:
        """Return what has changed since the last look; one comes `LOOK` seconds after the other."""
        if time.monotonic() < self._looked + LOOK:
            return []
        before = self._sights
        self._look()
        return [f"{datetime.now().astimezone():%H:%M:%S}  cluster   {text}" for text in changes(before, self._sights)]

    def _look(self) -> None:
        self._sights = [look(node, before) for node, before in zip(self._nodes, self._sights, strict=True)]
        self._looked = time.monotonic()

    def _join(self) -> bool:
        """Make them one cluster; return that they are."""
        half = COUNT // 2
        try:
            if self._home.is_new:
                join(self._nodes[:half], self._nodes[half:], range(SLOTS), self._wait)
            elif self._home.has_moved:
                for one, other in combinations(self._nodes, 2):
                    meet(one, other)  # who has met before notes the new port
        except redis.RedisError as error:
            raise DemoError(f"The nodes don't become a cluster: {error}. Remove {self._home.place}.") from None
        self._home.settle()
        self._joined = True
        return True

    def _serves(self) -> bool:
        replicas = [node for node in self._nodes if node.role()[0] == b"slave"]
        return all(map(ready, self._nodes)) and all(map(follows, replicas)) and agree(self._nodes)


def _client(port: int) -> redis.Redis:
    # Who is told to follow another cuts off its clients; a dead one is not worth a second's wait.
    once_more = Retry(NoBackoff(), 1, (redis.ConnectionError,))
    return redis.Redis(host=HOST, port=port, socket_timeout=0.5, socket_connect_timeout=0.5, retry=once_more)
