"""Notifications: how the worker notices that it has gone deaf, and hears again."""

from __future__ import annotations

import threading
import time

import pytest

from session_store import Config, Store
from tests.servers import RedisServer
from tests.wait import wait_until
from worker import canary, listener
from worker.canary import Canary
from worker.flags_keeper import FlagsKeeper
from worker.health import Health
from worker.lane import lanes_of
from worker.listener import Listener
from worker.loop import Loop
from worker.metrics import Metrics
from worker.report import Report

from .conftest import open_on

FLAGS = "notify-keyspace-events"

EVENTS = ("--only", "events")


def hears(worker, open_session) -> None:
    """The worker learns from a notification alone that a session ends."""
    ref = open_session(age=50)
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "an end that was heard of")


def prod(store) -> bool:
    """Let Redis notice that keys are due; it says True."""
    return store.redis.exists(*store.redis.keys("*"), "x") >= 0


@pytest.mark.unguarded
def test_flags_that_somebody_takes_away_are_back_within_15_s_and_it_hears_again(start_worker, open_session, store):
    worker = start_worker(*EVENTS)
    worker.wait_for_log("listening")
    hears(worker, open_session)
    store.redis.config_set(FLAGS, "")
    missed = open_session(age=50)
    wait_until(lambda: prod(store) and not store.redis.exists(store.keys.shards[0].session(missed.sid)), "the expiry")
    wait_until(lambda: store.redis.config_get(FLAGS)[FLAGS], "the flags", 15)
    hears(worker, open_session)
    assert "taken notify-keyspace-events back" in worker.log
    assert missed.sid not in worker.ends
    worker.kill()
    worker = start_worker()
    wait_until(lambda: worker.ends.get(missed.sid) == "expired", "the missed end, found otherwise")


def test_a_subscription_that_is_cut_is_made_anew_at_once(start_worker, open_session, store):
    worker = start_worker(*EVENTS)
    worker.wait_for_log("listening")
    for times in (2, 3):
        assert store.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1
        cut = time.monotonic()
        worker.wait_for_log("listening", times)
        assert time.monotonic() - cut < 3
        hears(worker, open_session)


def test_what_ended_while_the_subscription_was_cut_is_found_by_reconciling(start_worker, open_session, store):
    worker = start_worker("--only", "events", "--only", "reconcile")
    worker.wait_for_log("listening")
    worker.wait_for_log("reconciled")
    ref = open_session()
    store.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    store.redis.delete(store.keys.shards[0].session(ref.sid))
    wait_until(lambda: worker.ends.get(ref.sid) == "lost", "the end")


def test_a_redis_that_hung_and_goes_on_is_listened_to_again(start_worker):
    with RedisServer() as server:
        store = Store(Config(redis_url=server.url, redis_timeout=15))
        worker = start_worker(*EVENTS, url=server.url)
        worker.wait_for_log("listening")
        server.pause()
        worker.wait_for_log("the worker waits: Redis at ")
        server.resume()
        worker.wait_for_log("what waited for Redis at ")
        hears(worker, lambda age: open_on(store, age=age))


@pytest.mark.unguarded
def test_after_an_outage_of_any_length_flags_and_subscription_are_back_and_the_ends_are_found(start_worker):
    """Longer than the 15 s within which a deaf listener must be noticed, and than any client's own retries."""
    with RedisServer(appendonly=True, appendfsync="always") as server:
        store = Store(Config(redis_url=server.url, redis_timeout=15))
        worker = start_worker(url=server.url)
        worker.wait_for_log("listening")
        meanwhile, lives = open_on(store, age=1000), open_on(store)
        wait_until(lambda: len(worker.events) == 2, "the starts")
        server.kill()
        down = time.monotonic()
        wait_until(lambda: time.monotonic() - down > 16, "an outage of 16 s", 20)
        server.start()
        wait_until(lambda: worker.ends == {meanwhile.sid: "expired"}, "the end", 5)
        worker.wait_for_log("listening", 2)
        assert set("Kxe") <= set(store.redis.config_get(FLAGS)[FLAGS])
        store.redis.config_set(FLAGS, "Kxeg")
        store.end(lives, "logout")

        def heard() -> bool:
            # Nothing but a notification gives this reason; a pass that comes first calls it lost.
            ref = open_on(store)
            store.redis.delete(store.keys.shards[0].session(ref.sid))
            wait_until(lambda: ref.sid in worker.ends, "the end")
            return worker.ends[ref.sid] == "deleted"

        wait_until(heard, "an end that was heard of")


class Rig:
    """A listener in a thread, with less patience than it really has."""

    def __init__(self, store: Store, *, set_flags: bool) -> None:
        self.health = Health()
        self.metrics = Metrics(self.health)
        self.gaps: list[str] = []
        self.stop = threading.Event()
        (self.lane,) = lanes_of(store)
        canary = Canary(store=store, lane=self.lane)
        self.listener = Listener(
            store=store,
            lanes=[self.lane],
            canaries=[canary],
            report=Report(self.metrics, self.health),
            health=self.health,
            flags=FlagsKeeper(config=store.config, may_set=set_flags, health=self.health),
            on_gap=lambda why, **_: self.gaps.append(why),
        )
        self.loops = [
            Loop(role, self.stop, health=self.health, on_back=self.gaps.append) for role in (self.listener, canary)
        ]

    def __enter__(self) -> Rig:
        for loop in self.loops:
            loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for loop in self.loops:
            loop.join(10)
            assert not loop.is_alive()


@pytest.fixture
def impatient(monkeypatch):
    """Sing four times a second, be deaf after one."""
    monkeypatch.setattr(canary, "EVERY", 0.25)
    monkeypatch.setattr(canary, "MORE", 0.05)
    monkeypatch.setattr(canary, "LOOK", 0.02)
    monkeypatch.setattr(canary, "DEAF", 1.0)
    monkeypatch.setattr(listener, "PATIENCE", (1.0, 2.0))
    monkeypatch.setattr(listener, "WAIT", 0.05)


def subscriptions(store) -> int:
    return sum(int(client["psub"]) > 0 for client in store.redis.client_list())


def test_silence_is_noticed_by_the_canary_and_the_subscription_is_made_anew(impatient, store, caplog):
    store.redis.config_set(FLAGS, "Kxe")
    with Rig(store, set_flags=False) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        assert rig.gaps == ["a new subscription"]
        # Nobody tells the worker: there is no monitor here, as there is none where CONFIG is forbidden.
        store.redis.config_set(FLAGS, "")
        wait_until(lambda: rig.health.hearing is False, "it to notice")
        wait_until(lambda: len(rig.gaps) >= 3, "it to subscribe anew, more than once")
        assert caplog.text.count("no notification arrives any more") == 1
        assert rig.health.flags_missing.startswith("Kxe at ")
        store.redis.config_set(FLAGS, "Kxe")
        wait_until(lambda: rig.health.hearing, "it to hear again")
        wait_until(lambda: subscriptions(store) == 1, "one subscription")
    assert subscriptions(store) == 0


def test_where_it_may_a_deaf_listener_sets_the_flags_again(impatient, store):
    with Rig(store, set_flags=True) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        store.redis.config_set(FLAGS, "Eg")
        wait_until(lambda: set(store.redis.config_get(FLAGS)[FLAGS]) == set("EgKxe"), "the flags")
        wait_until(lambda: rig.health.hearing, "it to hear again")


def test_where_it_hears_it_does_not_subscribe_anew(impatient, store):
    with Rig(store, set_flags=True) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        start = time.monotonic()
        wait_until(lambda: time.monotonic() - start > 1.6, "more than its patience")
        assert rig.gaps == ["a new subscription"]


def test_an_end_that_the_sweeper_is_about_to_bring_about_is_left_to_it(impatient, store, open_session):
    keys = store.keys.shards[0]
    with Rig(store, set_flags=True) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        swept, other = open_session(), open_session()
        rig.lane.recent.add([swept])
        for ref in (swept, other):
            store.redis.pexpire(keys.session(ref.sid), 1)
        wait_until(lambda: not store.redis.exists(keys.session(swept.sid), keys.session(other.sid)), "both keys to go")
        wait_until(lambda: store.count() == 1, "the end of the one that nobody sweeps")
        assert store.redis.hexists(keys.records, swept.sid)


def test_a_deletion_is_acted_upon_whatever_the_sweeper_has_found(impatient, store, open_session):
    store.redis.config_set(FLAGS, "Kxeg")
    with Rig(store, set_flags=False) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        ref = open_session()
        rig.lane.recent.add([ref])
        store.redis.delete(store.keys.shards[0].session(ref.sid))
        wait_until(lambda: store.count() == 0, "the end")


def test_many_songs_keep_it_from_nothing_else(store):
    """As where a cluster has many shards: each has a canary."""
    ticks: list[float] = []
    with Rig(store, set_flags=True) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        rig.health.tick = lambda role, **_: ticks.append(time.monotonic()) if role == "listener" else None
        begin, channel = time.monotonic(), f"__keyspace@0__:{store.keys.shards[0].canary}"

        def sing() -> bool:
            store.redis.publish(channel, "expired")
            return time.monotonic() > begin + 1.5

        wait_until(sing, "many songs")
        assert len(ticks) > 10


def test_a_worker_that_is_behind_does_not_listen_and_catches_up_afterwards(impatient, store, open_session):
    with Rig(store, set_flags=True) as rig:
        wait_until(lambda: rig.health.hearing, "it to hear")
        rig.lane.behind.set()
        wait_until(lambda: subscriptions(store) == 0, "the subscription to be given up")
        rig.lane.behind.clear()
        wait_until(lambda: subscriptions(store) == 1, "a new subscription")
        wait_until(lambda: rig.gaps.count("a new subscription") == 2, "it to say so")


@pytest.mark.unguarded
def test_where_config_is_forbidden_it_says_what_to_set_and_hears_if_it_is_set(impatient, redis_server, store, caplog):
    store.redis.config_set(FLAGS, "Kxe")
    store.redis.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "&*", "+@all", "-config")
    try:
        url = redis_server.url.replace("//", "//limited:pw@")
        with Rig(Store(Config(redis_url=url)), set_flags=True) as rig:
            wait_until(lambda: rig.health.hearing, "it to hear")
            assert rig.health.flags_missing is None
            assert f"CONFIG SET {FLAGS} Kxe" in caplog.text
    finally:
        store.redis.execute_command("ACL", "DELUSER", "limited")
