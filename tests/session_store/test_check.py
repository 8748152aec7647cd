from __future__ import annotations

import pytest

from session_store import Reason
from tests.session_store.samples import (
    HARRY,
    HOUR,
    MINUTE,
    contents,
    new_token,
    opened,
    over,
    ref_of,
    server_time,
    wait_past,
)


def test_several_sessions_are_seen_in_the_order_asked_for(store):
    sally, ended, unknown, foreign, harry = (
        opened(store),
        opened(store),
        new_token(),
        new_token(9999),
        opened(store, HARRY),
    )
    store.end(ref_of(ended), "revoked")
    checks = store.check([sally, ended, unknown, foreign, harry])
    assert checks[0].session.record.person.name == "sally"
    assert (checks[1].session, checks[1].ended) == (None, Reason.REVOKED)
    assert (checks[2].session, checks[2].ended) == (None, None)
    assert (checks[3].session, checks[3].ended) == (None, None)
    assert checks[4].session.record.person.name == "harry"


def test_no_tokens_are_no_checks(store):
    assert store.check([]) == []


def test_a_token_of_a_shard_that_cannot_be_gets_no_answer(store):
    assert store.check([new_token(10_000), new_token(70_000)]) == [None, None]


def test_a_check_tells_redis_clock(store):
    before = server_time(store)
    (check,) = store.check([new_token()])
    assert before <= check.now <= server_time(store)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.EXPIRED])
def test_a_check_says_why_a_session_ended(store, reason):
    token = opened(store)
    assert store.end(ref_of(token), reason) == reason
    (check,) = store.check([token])
    assert (check.session, check.ended) == (None, reason)


def test_a_session_that_is_over_is_none_and_not_yet_ended(store):
    token = over(store)
    (check,) = store.check([token], age=HOUR)
    assert (check.session, check.ended) == (None, None)
    store.end_due(store.keys.shards[0])
    (check,) = store.check([token], age=HOUR)
    assert (check.session, check.ended) == (None, None)


def test_a_session_that_was_idle_too_long_is_none_and_says_so_once_it_ended(store):
    token = over(store, age=HOUR, idle=2)
    assert store.check([token])[0].session is None
    store.end_due(store.keys.shards[0])
    assert store.check([token])[0].ended == Reason.IDLE


def test_a_check_is_activity(store, raw):
    token, key = opened(store, age=3 * HOUR, idle=HOUR), store.keys.shards[0]
    raw.pexpire(key.session(token.sid), MINUTE)
    (check,) = store.check([token])
    assert check.session.deadline == pytest.approx(check.now + HOUR, abs=2)
    assert raw.zscore(key.sessions, token.sid) == raw.pexpiretime(key.session(token.sid)) == check.now + HOUR


def test_a_check_follows_the_site_s_session(store):
    token = opened(store)
    (check,) = store.check([token], age=5 * HOUR)
    assert check.session.record.expires == check.session.deadline == check.now + 5 * HOUR
    assert store.read(token).record.expires == check.now + 5 * HOUR


def test_a_check_where_nothing_is_due_writes_nothing(store):
    token = opened(store, idle=HOUR)
    before = contents(store)
    store.check([token, new_token()], age=HOUR)
    assert contents(store) == before


def test_a_check_gives_a_ttl_back_that_was_removed(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    expires = store.read(token).record.expires
    raw.persist(keys.session(token.sid))
    assert store.check([token])[0].session.deadline == expires
    assert raw.pexpiretime(keys.session(token.sid)) == expires


@pytest.mark.leaves_mess
def test_past_its_absolute_expiry_a_session_is_none_whatever_its_key_says(store, raw):
    token = opened(store, age=400)
    expires = store.read(token).record.expires
    assert raw.persist(store.keys.shards[0].session(token.sid))
    wait_past(store, expires)
    assert store.check([token], age=HOUR)[0].session is None
    assert store.read(token) is None


@pytest.mark.parametrize("age", [0, -1, -2, -HOUR])
def test_a_site_s_session_that_is_over_leaves_none(store, age):
    token = opened(store)
    assert store.check([token], age=age)[0].session is None
    assert store.read(token) is None


@pytest.mark.parametrize(
    ("mark", "reason"), [("nonsense 1", "lost"), ("", None), ("logout", "logout"), ("\xff", "lost")]
)
def test_a_broken_note_of_an_end_does_not_stop_a_check(store, raw, mark, reason):
    token = new_token()
    raw.hset(store.keys.shards[0].ended, token.sid, mark)
    assert store.check([token])[0].ended == reason


def test_a_broken_record_does_not_hide_the_others(store, raw):
    broken, sound = opened(store), opened(store)
    raw.hset(store.keys.shards[0].records, broken.sid, "{")
    checks = store.check([broken, sound], age=2 * HOUR)
    assert checks[0].session is None
    assert checks[1].session is not None
