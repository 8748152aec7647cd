from __future__ import annotations

import json
import logging

import pytest

from session_store import Ref, verbs
from session_store.throttle import Throttle
from tests.session_store.samples import (
    HOUR,
    MINUTE,
    SALLY,
    contents,
    new_token,
    opened,
    over,
    ref_of,
    server_time,
    wait_past,
)

BROKEN_RECORDS = [
    b"",
    b"garbage",
    b"\xff\xfe",
    b"[]",
    b'{"created":1,"expires":99999999999999}',
    b'{"created":1,"expires":99999999999999,"user":5,"name":"sally"}',
    b'{"created":"1","expires":99999999999999,"user":"1","name":"sally"}',
    b'{"created":1,"expires":1e300,"user":"1","name":"sally"}',
    b'{"user":"1","name":"sally"}',
]


def test_a_live_session_is_read_with_all_that_is_known(store):
    token = new_token()
    opening = store.open(token, SALLY, age=HOUR, idle=MINUTE)
    session = store.read(token)
    assert session.ref == Ref(0, token.sid, SALLY.user_id)
    assert session.record.person == SALLY
    assert (session.record.expires, session.record.idle) == (opening.expires, MINUTE)
    assert session.deadline == pytest.approx(opening.expires - HOUR + MINUTE, abs=2)


def test_reading_changes_nothing(store):
    token = opened(store)
    before = contents(store)
    store.read(token)
    store.read(new_token())
    assert contents(store) == before


def test_what_was_never_opened_is_nobody_s(store):
    assert store.read(new_token()) is None


def test_a_token_of_an_unknown_shard_is_nobody_s(store):
    assert store.read(new_token(9999)) is None


def test_what_has_ended_is_nobody_s(store):
    token = opened(store)
    store.end(ref_of(token), "logout")
    assert store.read(token) is None


def test_what_is_over_is_nobody_s_though_nothing_has_ended_it(store):
    token = over(store)
    assert store.read(token) is None
    store.end_due(store.keys.shards[0])


def test_what_was_idle_too_long_is_nobody_s(store):
    token = over(store, age=HOUR, idle=2)
    assert store.read(token) is None
    store.end_due(store.keys.shards[0])


def test_a_session_whose_key_was_deleted_is_nobody_s(store, raw):
    token = opened(store)
    raw.delete(store.keys.shards[0].session(token.sid))
    assert store.read(token) is None


def test_a_session_whose_ttl_was_removed_lives_and_says_so(store, raw):
    token = opened(store)
    raw.persist(store.keys.shards[0].session(token.sid))
    assert store.read(token).deadline == -1
    store.renew(token)


@pytest.mark.leaves_mess
@pytest.mark.parametrize("by_hand", ["persist", "pexpire"])
def test_past_its_absolute_expiry_a_session_is_nobody_s_whatever_its_key_says(store, raw, by_hand):
    token = opened(store, age=400)
    expires = store.read(token).record.expires
    key = store.keys.shards[0].session(token.sid)
    assert raw.persist(key) if by_hand == "persist" else raw.pexpire(key, HOUR)
    wait_past(store, expires)
    assert raw.exists(key)
    assert store.read(token) is None


def test_until_its_last_millisecond_a_session_lives_and_then_no_more(store):
    token = new_token()
    expires = store.open(token, SALLY, age=30).expires
    while True:
        before = server_time(store)
        session = store.read(token)
        after = server_time(store)
        if after < expires:
            assert session is not None
        if before >= expires:
            assert session is None
            break
    store.end_due(store.keys.shards[0])


@pytest.mark.parametrize("raw_record", BROKEN_RECORDS)
def test_a_broken_record_is_nobody_s_and_is_named_once_a_minute(store, raw, raw_record, caplog, monkeypatch):
    monkeypatch.setattr(verbs, "_throttle", Throttle(seconds=60))
    token = opened(store)
    raw.hset(store.keys.shards[0].records, token.sid, raw_record)
    assert [store.read(token) for _ in range(3)] == [None] * 3
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == (1 if raw_record else 0)
    assert all(f"sso:{{0}}:records {token.sid}" in error for error in errors)


def test_a_session_without_record_is_nobody_s(store, raw):
    token = opened(store)
    raw.hdel(store.keys.shards[0].records, token.sid)
    assert store.read(token) is None
    store.end_all([ref_of(token)], "lost")


def test_other_sessions_are_read_beside_a_broken_one(store, raw):
    broken, sound = opened(store), opened(store)
    raw.hset(store.keys.shards[0].records, broken.sid, "garbage")
    assert store.read(broken) is None
    assert store.read(sound).ref.sid == sound.sid


def test_a_field_of_a_later_version_is_passed_on(store, raw):
    token, records = opened(store), store.keys.shards[0].records
    record = raw.hget(records, token.sid)
    raw.hset(records, token.sid, record[:-1] + b',"v":2,"device":{"os":["x"]}}')
    assert store.read(token).record.person == SALLY
    store.renew(token, age=2 * HOUR)
    assert store.read(token).record.person == SALLY
    assert json.loads(raw.hget(records, token.sid))["device"] == {"os": ["x"]}
