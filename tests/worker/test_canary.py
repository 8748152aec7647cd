from __future__ import annotations

import pytest

from session_store import Config, Store
from tests.servers import RedisServer
from tests.wait import wait_until
from worker.canary import DEAF, EVERY, Canary


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def canary(store, clock) -> Canary:
    canary = Canary(store, clock=clock)
    canary.restart()
    return canary


def test_what_it_sings_is_heard_through_its_own_pattern(canary, store, raw):
    raw.config_set("notify-keyspace-events", "Kxe")
    with raw.pubsub() as pubsub:
        pubsub.psubscribe(f"__keyspace@0__:{canary.pattern}")
        assert pubsub.get_message(timeout=5)["type"] == "psubscribe"
        canary.sing()
        # Redis need not notice by itself; the second call makes it.
        canary.sing()
        heard = wait_until(lambda: canary.sing() or pubsub.get_message(timeout=0.05), "the song")
    assert heard["data"] == b"expired"
    assert heard["channel"].decode() == f"__keyspace@0__:{store.keys.shards[0].canary}"


def test_it_leaves_nothing_behind(canary, raw):
    canary.sing()
    wait_until(lambda: not raw.exists(*raw.keys("*"), "none"), "its key to be gone")


def test_it_sings_once_in_a_while(canary, clock, raw):
    def sung() -> int:
        canary.sing()
        canary.sing()
        return raw.info("commandstats").get("cmdstat_set", {}).get("calls", 0)

    raw.config_resetstat()
    assert sung() == sung() == 1
    clock.now += EVERY - 0.01
    assert sung() == 1
    clock.now += 0.02
    assert sung() == sung() == 2


def test_it_is_heard_lately_until_it_has_been_silent_for_long(canary, store, clock):
    assert canary.heard_lately
    clock.now += DEAF + 0.01
    assert not canary.heard_lately
    assert canary.hear(store.keys.shards[0].canary)
    assert canary.heard_lately
    clock.now += DEAF - 0.01
    assert canary.heard_lately


def test_two_songs_fit_into_its_patience_and_it_into_15_s():
    assert 2 * EVERY < DEAF < 15


def test_no_other_key_is_its_own(canary, store, clock):
    clock.now += DEAF + 1
    for other in ("", "canary", store.keys.shards[0].session("x" * 22), store.keys.shards[0].canary + "x"):
        assert not canary.hear(other)
    assert not canary.heard_lately


def test_after_a_restart_it_has_time_again_and_sings_at_once(canary, clock, raw):
    canary.sing()
    clock.now += DEAF + 1
    canary.restart()
    assert canary.heard_lately
    raw.config_resetstat()
    canary.sing()
    assert raw.info("commandstats")["cmdstat_set"]["calls"] == 1


def test_a_full_redis_that_refuses_it_is_not_taken_for_deafness(clock):
    with RedisServer(maxmemory="3mb", maxmemory_policy="noeviction") as server, server.client() as raw:
        raw.config_set("maxmemory", 1)
        canary = Canary(Store(Config(redis_url=server.url)), clock=clock)
        canary.restart()
        clock.now += DEAF + 1
        canary.sing()
        assert canary.heard_lately
