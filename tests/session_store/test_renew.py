from __future__ import annotations

import pytest

from tests.session_store.samples import (
    HOUR,
    MINUTE,
    SALLY,
    contents,
    ends,
    new_token,
    opened,
    over,
    ref_of,
    server_time,
    wait_past,
)
from tests.wait import wait_until


def deadlines(store, raw, token):
    """Return when the key expires, what the sorted set says of it, and the record's absolute expiry."""
    keys = store.keys.shards[0]
    session = store.read(token)
    return raw.pexpiretime(keys.session(token.sid)), raw.zscore(keys.sessions, token.sid), session.record.expires


def test_activity_moves_the_deadline_of_a_session_with_an_idle_timeout(store, raw):
    token = opened(store, age=HOUR, idle=1000)
    first, _, expires = deadlines(store, raw, token)
    wait_past(store, first - 880)
    before = server_time(store)
    assert store.renew(token) == 1000
    key, score, still = deadlines(store, raw, token)
    assert key == score >= before + 1000 > first
    assert still == expires


def test_activity_within_a_tenth_of_the_timeout_writes_nothing(store):
    token = opened(store, age=2 * HOUR, idle=HOUR)
    before = contents(store)
    assert store.renew(token) == pytest.approx(HOUR, abs=MINUTE)
    assert contents(store) == before


def test_activity_moves_a_deadline_at_least_once_a_minute(store, raw):
    token, keys = opened(store, age=20 * HOUR, idle=10 * HOUR), store.keys.shards[0]
    raw.pexpire(keys.session(token.sid), 10 * HOUR - 59_000)
    assert store.renew(token) < 10 * HOUR - 58_000
    raw.pexpire(keys.session(token.sid), 10 * HOUR - 60_000)
    assert store.renew(token) == 10 * HOUR


def test_activity_does_not_lengthen_the_absolute_life(store, raw):
    token = opened(store, age=MINUTE, idle=HOUR)
    first = deadlines(store, raw, token)
    assert store.renew(token) <= MINUTE
    assert deadlines(store, raw, token) == first


def test_without_timeouts_activity_writes_nothing(store):
    token = opened(store)
    before = contents(store)
    assert store.renew(token) == pytest.approx(HOUR, abs=MINUTE)
    assert contents(store) == before


@pytest.mark.parametrize("age", [HOUR // 2, 3 * HOUR])
@pytest.mark.parametrize("idle", [None, 10 * HOUR])
def test_a_session_follows_the_site_s_own_where_that_is_given(store, raw, age, idle):
    token = opened(store, idle=idle)
    before = server_time(store)
    assert store.renew(token, age=age) == age
    key, score, expires = deadlines(store, raw, token)
    assert key == score == expires
    assert before + age <= expires <= server_time(store) + age


def test_following_the_site_within_a_tenth_writes_nothing(store):
    token = opened(store)
    before = contents(store)
    store.renew(token, age=HOUR - 30_000)
    store.renew(token, age=HOUR + 30_000)
    assert contents(store) == before


def test_a_key_does_not_outlive_an_absolute_expiry_that_came_nearer(store, raw):
    token = opened(store, age=2 * HOUR, idle=HOUR)
    store.renew(token, age=HOUR - 30_000)
    key, score, expires = deadlines(store, raw, token)
    assert max(key, score) <= expires


def test_following_the_site_into_its_last_millisecond_is_an_end(store):
    token = opened(store)
    assert store.renew(token, age=1) == 1
    wait_until(lambda: store.read(token) is None, "the session to be over")
    assert [end.reason for end in store.end_due(store.keys.shards[0])[1]] == ["expired"]


@pytest.mark.parametrize("by_hand", ["persist", "shorter", "longer"])
@pytest.mark.parametrize("idle", [None, HOUR])
def test_activity_puts_a_deadline_right_that_was_changed_by_hand(store, raw, by_hand, idle):
    token = opened(store, age=2 * HOUR, idle=idle)
    key = store.keys.shards[0].session(token.sid)
    assert raw.persist(key) if by_hand == "persist" else raw.pexpire(key, 5 * HOUR if by_hand == "longer" else MINUTE)
    store.renew(token)
    found, score, expires = deadlines(store, raw, token)
    assert found == score == pytest.approx(expires - 2 * HOUR + (idle or 2 * HOUR), abs=MINUTE)


def test_nothing_that_is_over_is_revived(store):
    token = over(store)
    before = contents(store)
    assert store.renew(token) is None
    assert store.renew(token, age=HOUR) is None
    assert contents(store) == before
    assert store.read(token) is None


def test_nothing_that_was_idle_too_long_is_revived(store):
    token = over(store, age=HOUR, idle=1)
    assert store.renew(token) is None
    assert store.read(token) is None


@pytest.mark.leaves_mess
def test_nothing_past_its_absolute_expiry_is_revived_though_its_key_lives(store, raw):
    token = opened(store, age=400)
    assert raw.persist(store.keys.shards[0].session(token.sid))
    wait_past(store, store.read(token).record.expires)
    assert store.renew(token, age=HOUR) is None
    assert store.read(token) is None


def test_nothing_that_has_ended_is_revived(store):
    token = opened(store)
    store.end(ref_of(token), "logout")
    before = contents(store)
    assert store.renew(token, age=HOUR) is None
    assert contents(store) == before
    assert ends(store) == {token.sid: "logout"}


def test_nothing_unknown_is_revived(store):
    assert store.renew(new_token(), age=HOUR) is None
    assert store.renew(new_token(9999), age=HOUR) is None
    assert not contents(store)


def test_a_session_that_was_deleted_is_not_revived(store, raw):
    token = opened(store)
    raw.delete(store.keys.shards[0].session(token.sid))
    assert store.renew(token, age=2 * HOUR) is None
    assert not raw.exists(store.keys.shards[0].session(token.sid))


@pytest.mark.parametrize("age", [0, -1, -HOUR])
def test_a_site_s_session_that_is_over_ends_ours(store, age):
    token = opened(store)
    assert store.renew(token, age=age) is None
    assert store.read(token) is None
    wait_past(store, server_time(store))
    assert [end.reason for end in store.end_due(store.keys.shards[0])[1]] == ["expired"]


def test_a_renewed_session_ends_once_and_leaves_nothing(store, raw):
    token = opened(store, age=HOUR, idle=MINUTE)
    store.renew(token, age=2 * HOUR)
    assert store.end(ref_of(token), "logout") == "logout"
    assert sorted(raw.keys()) == [b"sso:{0}:audit", b"sso:{0}:ended"]


def test_the_renewed_expiry_is_what_the_end_is_remembered_until(store, raw):
    token = new_token()
    store.open(token, SALLY, age=HOUR)
    store.renew(token, age=3 * HOUR)
    expires = store.read(token).record.expires
    store.end(ref_of(token), "logout")
    assert raw.hget(store.keys.shards[0].ended, token.sid) == f"logout {expires}".encode()
