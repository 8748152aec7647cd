from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.cluster import ClusterNode, RedisCluster

from tests.certificates import Authority
from tests.cluster import servers
from tests.cluster.servers import ClusterServers, slot_of
from tests.servers import as_user

KEY = "sso:{0}:sessions"


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


def test_three_primaries_have_a_replica_each_and_serve_all_slots(cluster: ClusterServers) -> None:
    assert len(cluster.primaries) == len(cluster.replicas) == 3
    assert all(len(cluster.replicas_of(primary)) == 1 for primary in cluster.primaries)
    seen = [ClusterNode("127.0.0.1", node.port) for node in cluster.nodes]
    with RedisCluster(startup_nodes=seen) as client:
        for number in range(100):
            client.set(f"counted:{number}", "")
    assert cluster.count_keys("counted:*") == 100
    assert all(f"127.0.0.1:{node.port}" in cluster.url for node in cluster.nodes)


def test_a_slot_moves_live_and_its_keys_go_along(cluster: ClusterServers) -> None:
    source = cluster.owner_of(KEY)
    for number in range(300):
        source.admin.set(f"{{0}}:{number}", number)
    target = next(primary for primary in cluster.primaries if primary is not source)
    cluster.move_slot(slot_of(KEY), target)
    assert cluster.owner_of(KEY) is target
    assert cluster.count_keys("{0}:*") == 300
    assert target.admin.get("{0}:7") == b"7"
    cluster.wait_until_settled()


def test_a_slot_half_way_refuses_what_is_on_both_sides_and_shows_the_way_to_what_has_gone(
    cluster: ClusterServers,
) -> None:
    source = cluster.owner_of("{way}")
    source.admin.mset({"{way}:goes": "1", "{way}:stays": "2"})
    move = cluster.moving(slot_of("{way}"), next(node for node in cluster.primaries if node is not source))
    move.begin()
    move.carry("{way}:goes")
    assert move.keys() == ["{way}:stays"]
    assert source.admin.get("{way}:stays") == b"2"
    with pytest.raises(redis.exceptions.AskError):
        source.admin.get("{way}:goes")
    with pytest.raises(redis.exceptions.TryAgainError):
        source.admin.mget("{way}:goes", "{way}:stays")
    move.finish()
    assert cluster.owner_of("{way}").admin.mget("{way}:goes", "{way}:stays") == [b"1", b"2"]


def test_a_replica_takes_over_by_hand_and_after_a_kill_and_the_dead_one_comes_back_as_replica(
    cluster: ClusterServers,
) -> None:
    first = cluster.owner_of(KEY)
    second = cluster.failover(first)
    assert cluster.owner_of(KEY) is second
    assert cluster.replicas_of(second) == [first]
    second.kill()
    assert cluster.wait_for_new_owner(KEY, second) is first
    second.start()
    cluster.wait_until_settled()
    assert cluster.replicas_of(first) == [second]


def test_a_lagging_replica_takes_over_without_what_it_was_not_told(cluster: ClusterServers) -> None:
    primary = cluster.owner_of("{lag}")
    (replica,) = cluster.replicas_of(primary)
    primary.admin.set("{lag}:early", "")
    primary.admin.wait(1, 5000)
    with cluster.lagging(replica):
        primary.admin.set("{lag}:late", "")
        primary.kill()
    assert cluster.wait_for_new_owner("{lag}", primary) is replica
    assert replica.admin.exists("{lag}:early")
    assert not replica.admin.exists("{lag}:late")
    primary.start()
    cluster.wait_until_settled()


def test_a_paused_primary_is_replaced_and_follows_when_it_wakes_up(cluster: ClusterServers) -> None:
    primary = cluster.owner_of(KEY)
    primary.pause()
    other = cluster.wait_for_new_owner(KEY, primary)
    primary.resume()
    cluster.wait_until_settled()
    assert primary in cluster.replicas_of(other)


def test_a_new_node_joins_and_gets_a_slot(cluster: ClusterServers) -> None:
    node = cluster.add_node()
    assert node not in cluster.primaries + cluster.replicas
    cluster.move_slot(slot_of("{new}"), node)
    assert cluster.owner_of("{new}") is node


def test_half_covered_it_serves_that_half_alone() -> None:
    with ClusterServers(2, replicas=0, slots=range(8192)) as cluster:
        covered, half, bare = cluster.owner_of(0), "{2}", "{0}"
        assert slot_of(half) < 8192 <= slot_of(bare)
        assert cluster.owner_of(half).admin.set(half, "")
        with pytest.raises(LookupError):
            cluster.owner_of(bare)
        with pytest.raises(redis.exceptions.ClusterDownError, match="not served"):
            covered.admin.get(bare)


def test_it_speaks_tls_and_knows_the_users_where_asked_to(tmp_path: Path) -> None:
    tls = Authority(tmp_path).issue("127.0.0.1", "localhost")
    with ClusterServers(1, tls=tls, users=True) as cluster:
        (primary,), (replica,) = cluster.primaries, cluster.replicas
        assert cluster.failover(primary) is replica
        assert cluster.url.startswith("rediss+cluster://admin:")
        with redis.Redis.from_url(as_user(replica.url, "wiki-worker")) as client:
            assert client.acl_whoami() == "wiki-worker"


def test_a_start_that_fails_half_way_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []

    def fail(*words: object) -> None:
        pids.extend(node.pid for node in cluster.nodes)
        raise RuntimeError("half way")

    monkeypatch.setattr(servers, "join", fail)
    cluster = ClusterServers()
    with pytest.raises(RuntimeError, match="half way"), cluster:
        pass
    assert len(pids) == 6
    assert not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
