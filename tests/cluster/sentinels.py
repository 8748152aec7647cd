"""A primary, its replicas and the Sentinels that watch over them: real servers on loopback, for a test to break."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis

from demo.cluster.ports import free_ports
from demo.cluster.topology import follows
from tests.servers import ADMIN, password_of
from tests.wait import wait_until
from tests.whole import Whole

from .node import Server

S = TypeVar("S", bound=Server)

#: What Sentinels call the primary, whoever it is.
SERVICE = "mymaster"

#: Milliseconds of silence after which a Sentinel takes a server for dead.
DOWN_AFTER = 1000

#: Milliseconds; a failover that comes to nothing is tried again after twice that.
FAILOVER_TIMEOUT = 4000

#: Seconds for what takes several of those, on a busy machine.
PATIENCE = 30

#: What Sentinels do every few seconds otherwise, in milliseconds; the last is for how long they trust nobody, after
#: the machine has kept them from looking.
HASTE = {
    "INFO-PERIOD": 300,
    "PUBLISH-PERIOD": 300,
    "PING-PERIOD": 300,
    "ASK-PERIOD": 300,
    "ELECTION-TIMEOUT": 2000,
    "TILT-PERIOD": 2000,
}


class Sentinel(Server):
    """A Sentinel."""

    def wait_until_up(self) -> None:
        """Wait until it answers, and hurry it."""
        super().wait_until_up()
        words = [word for pair in HASTE.items() for word in pair]
        self.admin.execute_command("SENTINEL DEBUG", *words)

    def _command(self) -> list[str]:
        return [*super()._command(), "--sentinel"]


class SentinelServers(Whole):
    """A primary with replicas, and Sentinels; all end with the context.

    `servers` are the first primary and the replicas, `sentinels` the Sentinels, in the order in which they were made.
    Who is what by now, `primary` and `replicas` find out.
    """

    def __init__(
        self,
        replicas: int = 2,
        sentinels: int = 3,
        *,
        down_after: int = DOWN_AFTER,
        users: bool = False,
        **options: str | int | bool,
    ) -> None:
        """Prepare them.

        Args:
            replicas: how many the primary has.
            sentinels: how many there are; more than half of them must agree.
            down_after: milliseconds, `down-after-milliseconds`.
            users: whether primary and replicas have the ACL users of site, wiki and worker.
            options: more settings of redis.conf for primary and replicas, as `RedisServer` takes them.
        """
        self._counts, self._down_after, self._users = (1 + replicas, sentinels), down_after, users
        self._password = password_of(ADMIN) if users else str(options.get("requirepass", ""))
        self._options: dict[str, Any] = {
            "repl_diskless_sync_delay": 0,
            **({"masterauth": self._password} if self._password else {}),
            **({"masteruser": ADMIN} if users else {}),
            **options,
        }
        self._running = ExitStack()
        self.servers: list[Server] = []
        self.sentinels: list[Sentinel] = []

    @property
    def url(self) -> str:
        """How clients reach the primary, by way of the Sentinels."""
        return self.url_of(SERVICE)

    def url_of(self, service: str) -> str:
        """How clients look for a service, which may be none."""
        who = urlsplit(self.servers[0].url).netloc.rpartition("@")[0]
        places = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{who and who + '@'}{places}/{service}/0"

    @property
    def primary(self) -> Server:
        """The one awake that is primary, and is named so by the Sentinels that are awake.

        Raises:
            LookupError: there is none, or they don't agree.
        """
        named = {_named(sentinel) for sentinel in self.sentinels if sentinel.awake}
        found = [server for server in self._awake if _is_primary(server) and named <= {server.port}]
        if len(found) != 1:
            raise LookupError(f"the Sentinels name {named}, and {len(found)} of them are primary")
        return found[0]

    @property
    def replicas(self) -> list[Server]:
        """Those awake that follow another."""
        return [server for server in self._awake if not _is_primary(server)]

    def wait_for_new_primary(self, old: Server) -> Server:
        """Wait until another than the old one is primary, and all Sentinels say so; return that one."""
        found = wait_until(
            lambda: self._other_than(old), f"another than the server at {old.port} to be primary", PATIENCE
        )
        assert found
        return found

    def wait_until_settled(self) -> None:
        """Wait until all that are awake follow the primary, and each Sentinel knows everybody who is awake."""
        wait_until(self._is_settled, "primary, replicas and Sentinels to settle", PATIENCE)

    def failover(self, *words: str) -> Server:
        """Let a replica take over by hand, as before an upgrade, and return it when all know.

        Args:
            words: `COORDINATED`, where the servers know that: the primary then hands over without loss.
        """
        old = self.primary
        self.begin_failover(*words)
        new = self.wait_for_new_primary(old)
        self.wait_until_settled()
        return new

    def begin_failover(self, *words: str) -> None:
        """Ask a Sentinel for a failover, as `failover` does, and don't wait for it."""
        sentinel = next(sentinel for sentinel in self.sentinels if sentinel.awake)
        wait_until(lambda: _fails_over(sentinel, words), "a replica to be good enough", PATIENCE)

    @property
    def _awake(self) -> list[Server]:
        return [server for server in self.servers if server.awake]

    def _begin(self) -> None:
        servers, sentinels = self._counts
        directory = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="sentinels-")))
        ports = free_ports(servers + sentinels)
        for port in ports[:servers]:
            text = "" if port == ports[0] else f"replicaof 127.0.0.1 {ports[0]}\n"
            self.servers.append(self._launch(Server, _written(directory, port, text), port, **self._options))
        for port in ports[servers:]:
            text = self._monitor(ports[0], sentinels // 2 + 1)
            self.sentinels.append(self._launch(Sentinel, _written(directory, port, text), port))
        for server in [*self.servers, *self.sentinels]:
            server.wait_until_up()
        self.wait_until_settled()

    def _end(self) -> None:
        self._running.close()

    def _launch(self, kind: type[S], conf: Path, port: int, **options: Any) -> S:
        users = self._users and kind is Server
        server = kind(port=port, conf=conf, clear=True, users=users, **options)
        self._running.push(server)
        server.launch()
        return server

    def _monitor(self, port: int, quorum: int) -> str:
        lines = {
            "monitor": f"127.0.0.1 {port} {quorum}",
            "down-after-milliseconds": str(self._down_after),
            "failover-timeout": str(FAILOVER_TIMEOUT),
            "parallel-syncs": "2",
            **({"auth-user": ADMIN} if self._users else {}),
            **({"auth-pass": self._password} if self._password else {}),
        }
        return "".join(f"sentinel {name} {SERVICE} {value}\n" for name, value in lines.items())

    def _other_than(self, old: Server) -> Server | None:
        try:
            return self.primary if self.primary is not old else None
        except LookupError:
            return None

    def _is_settled(self) -> bool:
        try:
            primary = self.primary
        except LookupError:
            return False
        others = [server for server in self._awake if server is not primary]
        return all(follows(other.admin) for other in others) and all(
            self._sees_all(sentinel.admin, primary) for sentinel in self.sentinels if sentinel.awake
        )

    def _sees_all(self, sentinel: redis.Redis, primary: Server) -> bool:
        """Whether a Sentinel takes the primary for well, knows all others, and nobody who is awake for dead."""
        seen = sentinel.sentinel_master(SERVICE)
        others = {int(replica["port"]): replica for replica in sentinel.sentinel_slaves(SERVICE)}
        return (
            seen["flags"] == "master"
            and seen["num-other-sentinels"] == len(self.sentinels) - 1
            and all(
                others.get(replica.port, {}).get("flags") == "slave"
                and others[replica.port]["master-link-status"] == "ok"
                and int(others[replica.port]["master-port"]) == primary.port
                for replica in self.replicas
            )
        )


def _named(sentinel: Sentinel) -> int | None:
    """Return the port of the primary as a Sentinel names it."""
    place = sentinel.admin.sentinel_get_master_addr_by_name(SERVICE)
    return int(place[1]) if place else None


def _fails_over(sentinel: Sentinel, words: Sequence[str]) -> bool:
    """Ask a Sentinel for a failover; it refuses while it has not heard of the replicas just now."""
    try:
        sentinel.admin.execute_command("SENTINEL FAILOVER", SERVICE, *words)
    except redis.ResponseError as error:
        if "NOGOODSLAVE" in str(error):
            return False
        raise
    return True


def _is_primary(server: Server) -> bool:
    return bool(server.admin.role()[0] == b"master")


def _written(directory: Path, port: int, text: str) -> Path:
    """Return a file of settings, in which the server keeps what it is told later."""
    place = directory / f"{port}.conf"
    place.write_text(text)
    return place
