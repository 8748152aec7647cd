"""Over how many shards users were spread is forgotten when nobody needs to know it any more, and not before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from session_store import Store, verbs
from session_store.audit import AuditReader
from session_store.keys import Keys, ShardKeys
from tests.wait import wait_until
from worker.forgetter import EVERY, PACE, UNUSED, Forgetter

from .conftest import open_on

#: Neither is a multiple of the other, which would leave a user's shard the same more often.
WIDE, NARROW = 16, 5


@pytest.fixture
def site(store: Store) -> Callable[[int], Store]:
    """Return what makes the store of a site that spreads users over so many shards."""
    return lambda shards: Store(replace(store.config, redis_shards=shards))


@pytest.fixture
def layouts(store: Store) -> str:
    return store.keys.shards[0].layouts


def look(store: Store, meanwhile: Callable[[], object] = lambda: None) -> int:
    """Look once; return how many pages it took."""
    forgetter = Forgetter(store=store)
    pages = 0
    while forgetter.step() == PACE:
        pages += 1
        meanwhile()
    assert forgetter._look is None
    return pages


def age(raw: redis.Redis, layouts: str, *numbers: int) -> None:
    """Have numbers of shards been noted longer ago than counts as in use."""
    before = raw.time()[0] * 1000 - UNUSED - 1000
    raw.zadd(layouts, dict.fromkeys(map(str, numbers), before))


def known(store: Store) -> set[int]:
    """Over how many shards users are spread, as a process that has just been started knows it."""
    fresh = Store(store.config)
    fresh.learn()
    return set(fresh.keys.layouts)


def user_at(fits: Callable[[str], bool]) -> str:
    """Return a user whose shards are such."""
    return next(user for user in map(str, range(10_000)) if fits(user))


def number_of(user: str, layout: int) -> int:
    return Keys("sso", layout).of_user(user).number


def store_all(store: Store, keys: ShardKeys) -> None:
    """Store durably what is in a shard's stream, as an audit log would."""
    reader = AuditReader(store, "log", shards=[keys], wait=0.1)
    try:
        reader.attach()
        for batch in reader.read():
            assert reader.acknowledge(batch, base=batch.events[-1].id)
    finally:
        reader.close()


def test_a_number_set_by_mistake_is_forgotten_once_nothing_is_left_of_it(store, site, raw, layouts):
    wide = site(WIDE)
    user = user_at(lambda user: number_of(user, WIDE) >= NARROW)
    ref = open_on(wide, user)
    shard = wide.keys.of_user(user)
    open_on(site(NARROW), user)
    age(raw, layouts, WIDE)

    look(store)
    assert known(store) == {1, NARROW, WIDE}, "a session lives in its shard"
    store.end(ref, "logout")
    look(store)
    assert known(store) == {1, NARROW, WIDE}, "what has ended is still to be audited"
    store_all(store, shard)
    look(store)
    assert known(store) == {1, NARROW, WIDE}, "the site may ask why it has ended"
    store.prune_ended(shard, "0", page=100, keep=-2 * UNUSED)
    look(store)
    assert known(store) == {1, NARROW}

    store.learn()
    assert len(store.keys.shards) == NARROW
    open_on(site(WIDE), user)
    assert known(store) == {1, NARROW, WIDE}, "it is in use again"


def test_a_number_by_which_alone_a_user_s_session_is_found_is_kept(store, site, raw, layouts):
    """Its shard is one of those that are in use, but nobody would look there for this user."""
    user = user_at(lambda user: 0 < number_of(user, WIDE) < NARROW and number_of(user, WIDE) != number_of(user, NARROW))
    alive = open_on(site(WIDE), user)
    open_on(site(NARROW), "1")
    age(raw, layouts, WIDE)
    look(store)
    assert known(store) == {1, NARROW, WIDE}
    assert [session.ref for session in Store(store.config).sessions_of(user)] == [alive]
    store.end(alive, "logout")
    look(store)
    assert known(store) == {1, NARROW}


@pytest.mark.parametrize("user", ["1", "2", "3"])
def test_a_session_that_is_found_by_another_number_too_needs_neither_alone(store, raw, layouts, user):
    shards = {number_of(user, WIDE), number_of(user, 2 * WIDE)}
    assert len(shards) == 1 or number_of(user, 2 * WIDE) >= WIDE
    open_on(Store(replace(store.config, redis_shards=WIDE)), user)
    age(raw, layouts, WIDE, 2 * WIDE)
    look(store)
    look(store)
    # The larger one had nothing to itself. Without it, the other one has.
    assert known(store) == {1, WIDE}
    assert Store(store.config).sessions_of(user)


def test_a_number_that_is_in_use_is_kept_though_no_session_lives(store, site, raw, layouts):
    ref = open_on(site(WIDE))
    store.end(ref, "logout")
    for shard in site(WIDE).keys.shards:
        raw.delete(shard.audit, shard.ended)
    assert look(store) == 0
    assert known(store) == {1, WIDE}
    age(raw, layouts, WIDE)
    look(store, lambda: site(WIDE).run(verbs.note_layout(site(WIDE).keys)))
    assert known(store) == {1, WIDE}, "a site came back to it during the look"
    age(raw, layouts, WIDE)
    look(store)
    assert known(store) == {1}


def test_what_others_have_forgotten_during_a_look_counts(store, site, raw, layouts):
    open_on(site(NARROW), "1")
    age(raw, layouts, NARROW, WIDE)
    look(store, lambda: raw.zadd(layouts, {NARROW: 0}))
    assert raw.zscore(layouts, WIDE) > 0


def test_what_redis_has_lost_is_not_forgotten(store, site, raw, layouts):
    open_on(site(WIDE))
    store.learn()
    raw.delete(layouts)
    look(store)
    store.learn()
    assert len(store.keys.shards) == WIDE


@pytest.mark.leaves_mess
def test_a_record_that_says_not_whose_it_is_needs_every_number(store, raw, layouts):
    raw.hset(store.keys.shards[0].records, "x" * 22, "{nonsense")
    age(raw, layouts, WIDE)
    look(store)
    assert known(store) == {1, WIDE}


def test_it_looks_once_an_hour(store):
    assert Forgetter(store=store).step() == EVERY


def test_the_worker_begins_anew_without_the_shards_that_are_forgotten(start_worker, store, site, raw, layouts):
    user = user_at(lambda user: number_of(user, WIDE) > 0)
    ref = open_on(site(WIDE), user, 300)
    worker = start_worker()
    wait_until(lambda: worker.ends == {ref.sid: "expired"}, "the end")
    shard = store.keys.of_shard(ref.shard)
    wait_until(lambda: raw.xlen(shard.audit) == 0, "the stream to be trimmed")
    assert worker.stop() == 0
    raw.delete(shard.ended)
    age(raw, layouts, WIDE)
    worker.start()
    worker.wait_for_log("that is forgotten")
    wait_until(lambda: "sessions are in 1 shards by now: beginning anew" in worker.log, "another crew", 30)
    last = open_on(store, "1", 300)
    wait_until(lambda: last.sid in worker.ends, "an end in what is left")
    assert worker.stop() == 0
