from __future__ import annotations

import pytest

from session_store import Config, Store
from tests.servers import RedisServer
from tests.wait import wait_until
from worker.canary import DEAF, EVERY, MORE, Canary
from worker.lane import lanes_of

from .clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def canary_of(store: Store, clock: Clock) -> Canary:
    return Canary(store=store, lane=lanes_of(store)[0], clock=clock)


@pytest.fixture
def canary(store, clock) -> Canary:
    return canary_of(store, clock)


def songs(raw) -> int:
    return raw.info("commandstats").get("cmdstat_set", {}).get("calls", 0)


def test_what_it_sings_is_heard_through_the_pattern_for_it(canary, store, raw):
    raw.config_set("notify-keyspace-events", "Kxe")
    with raw.pubsub() as pubsub:
        pubsub.psubscribe(f"__keyspace@0__:{store.keys.canary_pattern}")
        assert pubsub.get_message(timeout=5)["type"] == "psubscribe"
        canary.step()
        # Redis need not notice by itself; the second step makes it.
        canary.step()
        heard = wait_until(lambda: canary.step() and pubsub.get_message(timeout=0.05), "the song")
    assert heard["data"] == b"expired"
    assert heard["channel"].decode() == f"__keyspace@0__:{canary.key}"


def test_it_leaves_nothing_behind(canary, raw):
    canary.step()
    wait_until(lambda: not raw.exists(*raw.keys("*"), "none"), "its key to be gone")


def test_it_sings_after_some_silence(canary, clock, raw):
    def sung() -> int:
        canary.step()
        canary.step()
        return songs(raw)

    raw.config_resetstat()
    assert sung() == sung() == 1
    clock.now += EVERY - 0.01
    assert sung() == 1
    clock.now += MORE + 0.02
    assert sung() == sung() == 2


def test_while_another_worker_sings_it_need_not(canary, clock, raw):
    raw.config_resetstat()
    for _ in range(10):
        canary.hear(canary.key)
        canary.step()
        clock.now += EVERY - 0.01
    assert songs(raw) == 1, "the first one"


def test_it_is_heard_lately_until_it_has_been_silent_for_long(canary, clock):
    assert canary.heard_lately
    clock.now += DEAF + 0.01
    assert not canary.heard_lately
    assert canary.hear(canary.key)
    assert canary.heard_lately
    clock.now += DEAF - 0.01
    assert canary.heard_lately


def test_two_songs_fit_into_its_patience_and_it_into_15_s():
    assert 2 * (EVERY + MORE) < DEAF < 15


def test_no_other_key_is_its_own(canary, store, clock):
    clock.now += DEAF + 1
    for other in ("", "canary", store.keys.shards[0].session("x" * 22), canary.key + "x"):
        assert not canary.hear(other)
    assert not canary.heard_lately


def test_after_a_restart_it_has_time_again_and_sings_at_once(canary, clock, raw):
    canary.step()
    canary.step()
    canary.hear(canary.key)
    clock.now += DEAF + 1
    canary.restart()
    assert canary.heard_lately
    assert not canary.heard
    raw.config_resetstat()
    canary.step()
    assert songs(raw) == 1


def test_a_full_redis_that_refuses_it_is_not_taken_for_deafness(clock):
    with RedisServer(maxmemory="3mb", maxmemory_policy="noeviction") as server, server.client() as raw:
        raw.config_set("maxmemory", 1)
        canary = canary_of(Store(Config(redis_url=server.url)), clock)
        clock.now += DEAF + 1
        canary.step()
        assert canary.heard_lately
        assert canary.answered == clock.now


def test_where_redis_is_away_it_tries_again_at_each_step_and_nobody_is_taken_for_deaf(clock):
    with RedisServer() as server:
        canary = canary_of(Store(Config(redis_url=server.url), pause=0), clock)
        canary.step()
        assert canary.answered == clock.now
        server.stop()
        clock.now += DEAF + 1
        canary.step()
        canary.step()
        assert canary.heard_lately
        assert canary.answered is None
        server.start()
        canary.step()
        assert canary.answered == clock.now
