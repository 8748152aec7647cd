"""What `wiki-worker check` and `status` say of clusters and of what Sentinels watch."""

from __future__ import annotations

import pytest

from session_store import Config, Store
from session_store.keys import MANY_SHARDS
from session_store.status import read_status
from tests.wait import wait_until
from tests.worker.conftest import open_on
from tests.worker.processes import WorkerProcess, run_command
from worker.config import WorkerConfig
from worker.diagnosis import diagnose
from worker.finding import Finding
from worker.placement import BEHIND, LAG, replication

from .ears import user_in
from .sentinels import SERVICE, SentinelServers
from .servers import ClusterServers

SHARDS = 4

#: Seconds that a server of a busy machine may take to answer; one that is dead refuses at once.
PATIENCE = 5


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


def check(url: str, topic: str) -> list[Finding]:
    """Return what is said on a topic."""
    config = WorkerConfig(Config(redis_url=url, redis_timeout=PATIENCE))
    return [found for found in diagnose(config) if found.topic == topic]


def said(url: str, topic: str) -> list[tuple[str, str]]:
    return [(found.level, found.text) for found in check(url, topic)]


def test_a_cluster_whose_primaries_have_lost_replicas_or_died() -> None:
    with ClusterServers(3) as cluster:
        store = Store(Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=PATIENCE))
        assert said(cluster.url, "coverage") == [("ok", "every slot has a node")]
        assert said(cluster.url, "replicas") == [("ok", "every replica follows closely")]
        assert len(check(cluster.url, "reachable")) == 3
        assert said(cluster.url, "placement") == []
        assert said(cluster.url, "shards") == [("ok", "1, which a worker can look after")]
        store.command("ZADD", store.keys.shards[0].layouts, 1, MANY_SHARDS + 1)
        (many,) = check(cluster.url, "shards")
        assert (many.level, many.text[:32]) == ("note", f"users are spread over {MANY_SHARDS + 1} shards")
        assert "WIKI_REDIS_SHARDS to about five a primary" in many.remedy
        store.command("ZADD", store.keys.shards[0].layouts, 0, MANY_SHARDS + 1)
        (plain,) = check(cluster.primaries[0].url, "placement")
        assert (plain.level, plain.text) == ("wrong", "it is a node of a cluster; others have what it has not")
        assert "redis+cluster://" in plain.remedy

        for keys in store.keys.shards:
            open_on(store, user_in(store, keys))
        lone = cluster.owner_of(0)  # the one that redis-py asks first
        (replica,) = cluster.replicas_of(lone)
        replica.kill()
        wait_until(
            lambda: ("note", f"no replica follows (127.0.0.1:{lone.port})") in said(cluster.url, "replicas"), "the loss"
        )
        assert read_status(store).live == SHARDS
        lone.kill()
        (away,) = [found for found in check(cluster.url, "reachable") if found.level == "wrong"]
        assert away.text.startswith(f"no answer from 127.0.0.1:{lone.port}: ")
        status = read_status(Store(store.config, pause=0), partly=True)
        lost = [
            keys for keys in store.keys.shards if store.link.node_of(keys.sessions).name == f"127.0.0.1:{lone.port}"
        ]
        assert status.live == SHARDS - len(lost)
        assert status.away[0].startswith(f"shard {lost[0].number}")
        done = run_command(cluster.url, "status", WIKI_REDIS_SHARDS=str(SHARDS))
        assert done.returncode == 1
        assert f"live sessions   {status.live}" in done.stdout
        assert f"away            shard {lost[0].number}" in done.stdout


def test_a_cluster_that_covers_half_of_its_slots() -> None:
    with ClusterServers(1, replicas=0, slots=range(8192)) as cluster:
        (found,) = check(cluster.url, "coverage")
        assert (found.level, found.text[:13]) == ("wrong", "8192 of 16384")
        assert f"redis-cli --cluster check 127.0.0.1:{cluster.nodes[0].port}" in found.remedy


def test_what_sentinels_watch_and_a_worker_that_waits_for_them(tmp_path) -> None:
    with SentinelServers(replicas=1, sentinels=2) as watched:
        primary, places = watched.primary.port, [f"127.0.0.1:{sentinel.port}" for sentinel in watched.sentinels]
        assert said(watched.url, "sentinels") == [("ok", f"127.0.0.1:{primary} is primary, by {', '.join(places)}")]
        (found,) = check(watched.replicas[0].url, "placement")
        assert (found.level, found.text) == ("wrong", f"it is a replica of 127.0.0.1:{primary}, which takes no writes")
        assert f"name 127.0.0.1:{primary} in WIKI_REDIS_URL" in found.remedy
        assert {text for _, text in said(watched.url_of("another"), "sentinels")} == {
            f"the Sentinel {place} knows no service another" for place in places
        }
        (reach,) = check(watched.url_of("another"), "reachable")
        assert "know no service another" in reach.text
        assert "SENTINEL MASTERS" in reach.remedy

        with WorkerProcess(tmp_path, watched.url_of("another")) as lost:
            lost.wait_for_log("the worker waits: Redis at another (by the Sentinels")
            assert "compare its name in WIKI_REDIS_URL" in lost.log
            assert lost.stop() == 0

        # A URL of the wrong kind is told as that.
        (guard,) = check(f"redis://{places[0]}/0", "reachable")
        assert "perhaps it is a Sentinel" in guard.text
        assert "redis+sentinel://" in guard.remedy
        server = f"redis+sentinel://127.0.0.1:{primary}/{SERVICE}"
        (reach,) = check(server, "reachable")
        assert "it is a server, and no Sentinel" in reach.text
        (guard,) = check(server, "sentinels")
        assert "start it" not in guard.remedy
        (reach,) = check(watched.url.replace("/mymaster/0", "/mymaster/99"), "reachable")
        assert "no database of that number" in reach.text

        for sentinel in watched.sentinels:
            sentinel.admin.execute_command("ACL SETUSER", "default", "resetpass", ">guarded")
        (reach,) = check(f"{watched.url}?sentinel_password=another", "reachable")
        assert "the Sentinels want a password" in reach.text
        assert "sentinel_password=…" in reach.remedy
        assert "sentinel_password=…" in check(f"{watched.url}?sentinel_password=another", "sentinels")[0].remedy
        assert check(f"{watched.url}?sentinel_password=guarded", "reachable")[0].level == "ok"
        for sentinel in watched.sentinels:
            sentinel.admin.execute_command("ACL SETUSER", "default", "nopass")

        for sentinel in watched.sentinels:
            sentinel.kill()
        # Who has been there before goes on; who comes now does not find it.
        done = run_command(watched.url, "check")
        assert done.returncode == 1
        assert done.stdout.count("no answer from the Sentinel 127.0.0.1:") == 2
        assert f"no Sentinel answers that knows {SERVICE}" in done.stdout
        with WorkerProcess(tmp_path, watched.url) as worker:
            worker.wait_for_log("start the Sentinels")
            watched.sentinels[0].start()
            worker.wait_for_log("what waited for Redis at ")
            ref = open_on(Store(Config(redis_url=watched.url, redis_timeout=5)), age=50)
            wait_until(lambda: worker.ends == {ref.sid: "expired"}, "the end")


def test_a_worker_waits_for_a_cluster_that_is_down_and_goes_on(tmp_path) -> None:
    with ClusterServers(2, replicas=0, full_coverage=True) as cluster:
        store = Store(Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=5), pause=0)
        with WorkerProcess(tmp_path, cluster.url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker:
            worker.wait_for_log("listening")
            node = cluster.owner_of(store.keys.shards[0].sessions)
            node.kill()
            worker.wait_for_log("the cluster is down: nodes are missing, or a failover is under way; redis-cli")
            node.start()
            cluster.wait_until_settled()
            refs = [open_on(store, user_in(store, keys), age=50) for keys in store.keys.shards]
            wait_until(lambda: worker.ends.keys() == {ref.sid for ref in refs}, "the ends in all shards")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "wait_bgsave"}, "is not in step yet (wait_bgsave)"),
        ({"lag": LAG + 1}, f"has said nothing for {LAG + 1} s"),
        ({"offset": 5}, f"is {BEHIND + 1} bytes behind"),
    ],
)
def test_a_replica_that_lags_is_named(fields, words) -> None:
    address = Config(redis_url=f"redis+sentinel://h/{SERVICE}").address
    replica = {"ip": "10.0.0.2", "port": 6379, "state": "online", "lag": 1, "offset": BEHIND + 6} | fields
    info = {"role": "master", "master_repl_offset": BEHIND + 6, "slave0": replica, "slave_expires_tracked_keys": 0}
    (found,) = replication(address, info)
    assert (found.level, found.text) == ("note", f"the replica 10.0.0.2:6379 {words}")
