from __future__ import annotations

import pytest
from redis.exceptions import OutOfMemoryError

from session_store import Config, Store, StoreUnavailable
from tests.servers import RedisServer
from worker.flags import SETTING, missing
from worker.flags_keeper import FlagsKeeper
from worker.health import Health
from worker.monitor import Monitor

from .conftest import open_on


class Watch:
    """A monitor, and what it says."""

    def __init__(self, store: Store, *, may_set: bool = False) -> None:
        self.health = Health()
        self.said: list[str] = []
        flags = FlagsKeeper(config=store.config, may_set=may_set, health=self.health)
        self.monitor = Monitor(
            store=store, health=self.health, flags=flags, on_gap=lambda why, **_: self.said.append(why)
        )

    def look(self) -> list[str]:
        """Look once, and return what it had to say."""
        self.said.clear()
        assert self.monitor.step() > 0
        return list(self.said)


def test_it_counts_what_lives_and_what_waits(store, open_session):
    watch = Watch(store)
    watch.look()
    assert (watch.health.live, watch.health.backlog) == (0, 0)
    ref = open_session()
    open_session()
    store.end(ref, "logout")
    watch.look()
    assert (watch.health.live, watch.health.backlog) == (1, 3)


def test_flags_that_are_taken_away_are_a_gap_and_are_set_again_where_that_is_allowed(store, raw, caplog):
    raw.config_set(SETTING, "Kxe")
    watch = Watch(store, may_set=True)
    assert watch.look() == []
    raw.config_set(SETTING, "Kx")
    assert watch.look() == ["flags that were taken away"]
    assert missing(raw.config_get(SETTING)[SETTING]) == ""
    assert watch.look() == []
    assert caplog.text.count("has taken notify-keyspace-events back") == 1


def test_flags_that_stay_away_are_said_once(store, raw, caplog):
    raw.config_set(SETTING, "Kxe")
    watch = Watch(store)
    watch.look()
    raw.config_set(SETTING, "K")
    assert watch.look() == ["flags that were taken away"]
    assert watch.look() == []
    assert watch.health.flags_missing.startswith("xe at 127.0.0.1")
    assert caplog.text.count("may not tell of ended sessions") == 1
    raw.config_set(SETTING, "AK")
    assert watch.look() == []
    assert watch.health.flags_missing == ""


def test_flags_that_were_missing_before_are_no_gap(store, raw):
    raw.config_set(SETTING, "")
    assert Watch(store).look() == []


def test_a_restart_of_redis_is_a_gap_and_is_said_once():
    with RedisServer(save="", appendonly=True, notify_keyspace_events="Kxe") as server:
        watch = Watch(Store(Config(redis_url=server.url)))
        assert watch.look() == []
        server.stop()
        with pytest.raises(StoreUnavailable):
            watch.look()
        watch.monitor.reset()
        server.start()
        (gap,) = watch.look()
        assert gap.startswith("a restart of Redis")
        assert watch.look() == []


def test_evictions_are_a_gap_each_time_that_there_are_more():
    with RedisServer(maxmemory_policy="volatile-random", notify_keyspace_events="Kxe") as server:
        store = Store(Config(redis_url=server.url))
        for _ in range(20):
            open_on(store)
        watch = Watch(store)
        assert watch.look() == []
        store.redis.config_set("maxmemory", 1)
        with pytest.raises(OutOfMemoryError):
            store.redis.set("x", "y")
        store.redis.config_set("maxmemory", 0)
        assert watch.look() == ["evictions"]
        assert watch.look() == []
