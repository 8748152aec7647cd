"""Notifications of several servers: each is heard, who takes over too, and none keeps the others from being heard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from session_store import Config, Store
from tests.wait import wait_until
from worker import canary, listener
from worker.flags import SETTING, missing

from .ears import Ears
from .node import Node
from .sentinels import SentinelServers
from .servers import ClusterServers, slot_of


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


@pytest.fixture
def store(cluster: ClusterServers) -> Store:
    """Sessions in four shards, which are at three nodes."""
    return Store(Config(redis_url=cluster.url, redis_shards=4, redis_timeout=2), pause=0)


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "EVERY", 0.25)
    monkeypatch.setattr(canary, "MORE", 0.05)
    monkeypatch.setattr(canary, "LOOK", 0.02)
    monkeypatch.setattr(canary, "RETRY", 0.1)
    monkeypatch.setattr(canary, "DEAF", 3.0)
    monkeypatch.setattr(listener, "PATIENCE", (3.0, 6.0))
    monkeypatch.setattr(listener, "WAIT", 0.05)


def right(node: Node) -> bool:
    """Whether a node tells of what expires."""
    return not missing(node.admin.config_get(SETTING)[SETTING])


def test_every_primary_is_heard_and_each_has_its_flags(cluster: ClusterServers, store: Store) -> None:
    with Ears(store) as ears:
        assert all(map(right, cluster.primaries))
        assert not any(map(right, cluster.replicas))
        assert len(ears.gaps) == 3
        for keys in store.keys.shards:
            ears.hears(keys)


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_while_a_node_is_away_the_others_are_heard_at_once_and_then_who_takes_over(
    cluster: ClusterServers, store: Store, how: str
) -> None:
    away, here, _, there = store.keys.shards
    old = cluster.owner_of(away.sessions)
    with Ears(store) as ears:
        getattr(old, how)()
        for keys in (here, there) * 3:
            # The wait for Redis to notice is a part of it.
            ears.hears(keys, 1.5)
        new = cluster.wait_for_new_owner(away.sessions, old)
        wait_until(lambda: right(new), "the flags of the new one")
        wait_until(lambda: ears.gaps[f"127.0.0.1:{new.port}"], "it to be listened to")
        ears.hears(away)
        assert ears.gaps[f"127.0.0.1:{cluster.owner_of(here.sessions).port}"] == 1, "nobody else was missed"
    old.start() if how == "kill" else old.resume()
    cluster.wait_until_settled()


def test_a_shard_is_heard_where_it_has_moved_to(cluster: ClusterServers, store: Store) -> None:
    keys = store.keys.shards[3]
    with Ears(store) as ears:
        node = cluster.add_node()
        cluster.move_slot(slot_of(keys.sessions), node)
        wait_until(lambda: ears.gaps[f"127.0.0.1:{node.port}"], "the new node to be listened to")
        assert right(node)
        ears.hears(keys)


def test_a_node_that_says_nothing_any_more_is_noticed_by_its_own_canary(
    cluster: ClusterServers, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = cluster.owner_of(store.keys.shards[1].sessions)
    with Ears(store) as ears:
        quiet.admin.config_set(SETTING, "")
        wait_until(lambda: ears.health.hearing is False, "it to be noticed")
        assert f"no notification arrives any more from 127.0.0.1:{quiet.port};" in caplog.text
        wait_until(lambda: right(quiet), "the flags")
        ears.hears(store.keys.shards[1])
        wait_until(lambda: ears.health.hearing, "all to be heard again")


@pytest.fixture(scope="module")
def watched() -> Iterator[SentinelServers]:
    with SentinelServers(replicas=1) as watched:
        yield watched


@pytest.mark.parametrize("how", ["failover", "pause"])
def test_the_primary_that_the_sentinels_name_by_now_is_heard(watched: SentinelServers, how: str) -> None:
    store = Store(Config(redis_url=watched.url, redis_timeout=1), pause=0)
    old = watched.primary
    with Ears(store) as ears:
        if how == "pause":
            old.pause()
            new = watched.wait_for_new_primary(old)
        else:
            new = watched.failover()
        wait_until(lambda: ears.gaps.total() > 1, "the new one to be listened to")
        assert right(new)
        ears.hears(store.keys.shards[0])
    if how == "pause":
        old.resume()
        watched.wait_until_settled()
