from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.sentinel import MasterNotFoundError, Sentinel

from tests.cluster.lagging import lagging
from tests.cluster.sentinels import SERVICE, SentinelServers
from tests.servers import as_user


@pytest.fixture(scope="module")
def watched() -> Iterator[SentinelServers]:
    with SentinelServers(users=True) as watched:
        yield watched


def test_the_sentinels_name_the_primary_and_no_other_service(watched: SentinelServers) -> None:
    client = Sentinel([("127.0.0.1", sentinel.port) for sentinel in watched.sentinels])
    assert client.discover_master(SERVICE) == ("127.0.0.1", watched.primary.port)
    assert len(watched.replicas) == 2
    assert watched.url.endswith(f"{watched.sentinels[2].port}/{SERVICE}/0")
    with pytest.raises(MasterNotFoundError):
        client.discover_master("another")


def test_a_replica_takes_over_by_hand(watched: SentinelServers) -> None:
    old = watched.primary
    new = watched.failover()
    assert watched.primary is new
    assert old in watched.replicas
    with redis.Redis.from_url(as_user(new.url, "wiki-worker")) as client:
        assert client.acl_whoami() == "wiki-worker"
    with pytest.raises(redis.ReadOnlyError):
        old.admin.set("key", "")


def test_a_killed_primary_is_replaced_and_comes_back_as_replica(watched: SentinelServers) -> None:
    old = watched.primary
    old.kill()
    new = watched.wait_for_new_primary(old)
    old.start()
    watched.wait_until_settled()
    assert watched.primary is new
    assert old in watched.replicas


def test_lagging_replicas_take_over_without_what_they_were_not_told(watched: SentinelServers) -> None:
    primary = watched.primary
    with lagging(primary, *watched.replicas):
        primary.admin.set("late", "")
        primary.kill()
    assert not watched.wait_for_new_primary(primary).admin.exists("late")
