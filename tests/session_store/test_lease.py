from __future__ import annotations

from session_store.lease import Lease
from tests.wait import wait_until


def test_a_lease_has_one_holder_whom_the_others_can_name(store):
    first, second = Lease(store, "x"), Lease(store, "x")
    assert first.hold()
    assert not second.hold()
    assert second.holder == first.owner
    assert first.held
    assert not second.held


def test_each_job_has_a_lease_of_its_own(store):
    assert Lease(store, "x").hold()
    assert Lease(store, "y").hold()


def test_what_is_given_back_is_free_at_once(store):
    first, second = Lease(store, "x"), Lease(store, "x")
    first.hold()
    second.release()
    assert not second.hold()
    first.release()
    assert second.hold()
    first.release()
    assert second.held
    assert not first.hold()


def test_one_that_says_nothing_loses_it_and_learns_of_it(store):
    first, second = Lease(store, "x", lasts=0.05), Lease(store, "x")
    assert first.hold()
    wait_until(second.hold, "the lease to run out")
    wait_until(lambda: not first.hold(), "the first one to ask again")
    first.release()
    assert second.hold()


def test_a_holder_that_asks_often_enough_keeps_it_and_asks_redis_seldom(store, raw):
    first = Lease(store, "x", lasts=0.4)
    first.hold()
    before = raw.info("commandstats")["cmdstat_evalsha"]["calls"]
    deadline = raw.pexpiretime(first._key)
    asked = 0

    def moved() -> bool:
        nonlocal asked
        asked += 1
        assert first.hold()
        return raw.pexpiretime(first._key) > deadline + 200

    wait_until(moved, "the lease to be prolonged")
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] - before <= 5 < asked


def test_where_memory_is_short_everybody_goes_on(store, raw):
    first, second = Lease(store, "x"), Lease(store, "x", lasts=0.01)
    second.hold()
    raw.config_set("maxmemory", 1)
    try:
        wait_until(first.hold, "the other one's lease to run out")
        assert first.hold()
    finally:
        raw.config_set("maxmemory", 0)
