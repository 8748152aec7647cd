"""Whatever stands in Redis under our names: sound sessions beside it live, end and are told as if it weren't there."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from session_store.audit import AuditReader
from session_store.reconcile import reconcile
from tests.session_store.samples import HARRY, HOUR, SALLY, new_token, opened, server_time, wait_past

#: A test that fails halfway leaves its garbage; one that passes has removed it.
pytestmark = pytest.mark.leaves_mess

SID = "a" * 22

RECORDS = {
    "empty": b"",
    "no JSON": b"garbage",
    "no UTF-8": b"\xff\xfe\xfd",
    "cut off": b'{"created":1,"expires":99999999999999,"v":1,"user":"1"',
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "no times": b'{"user":"1","name":"sally"}',
    "no user": b'{"created":1,"expires":99999999999999}',
    "a number for a user": b'{"created":1,"expires":99999999999999,"user":1,"name":"sally"}',
    "times as texts": b'{"created":"1","expires":"99999999999999","user":"1","name":"sally"}',
    "a time too long": b'{"created":1,"expires":' + b"9" * 40 + b',"user":"1","name":"sally"}',
    "a time no computer holds": b'{"created":1,"expires":' + b"9" * 400 + b',"user":"1","name":"sally"}',
    "created in another age": b'{"created":999999999999999999,"expires":99999999999999,"user":"1","name":"sally"}',
    "idle for ever": b'{"created":1,"expires":99999999999999,"idle":' + b"9" * 40 + b',"user":"1","name":"sally"}',
    "half a character": b'{"created":1,"expires":99999999999999,"user":"\\ud800","name":"sally"}',
    "half a name": b'{"created":1,"expires":99999999999999,"user":"1","name":"\\udcff"}',
    "an over-long user": b'{"created":1,"expires":99999999999999,"user":"' + b"x" * 100_000 + b'","name":"sally"}',
}

SCORES = {"minus infinity": "-inf", "infinity": "inf", "a fraction": "1.5", "tiny": "1e-300", "huge": "1e300"}


def all_goes_on_beside(store, raw):
    """Use every verb that looks at several sessions, and see that sound ones are served and the end is clean."""
    keys = store.keys.shards[0]
    live, due, reader = opened(store, HARRY), new_token(), AuditReader(store, "file", wait=0.01)
    reader.attach()
    expires = store.open(due, HARRY, age=1).expires
    wait_past(store, expires)

    assert store.read(live) is not None
    assert store.check([live, due])[0].session is not None
    assert live.sid in {session.ref.sid for session in store.sessions()}
    assert live.sid in {session.ref.sid for session in store.sessions_of(HARRY.user_id)}
    assert store.count() >= 2
    store.sessions_of(SALLY.user_id)

    ended = [end for _ in range(3) for end in store.end_due(keys)[1]]
    assert due.sid in {end.ref.sid for end in ended}
    assert store.due(keys).refs == [], "what is due stays due"
    for page in reconcile(store, keys):
        assert live.sid not in {end.ref.sid for end in page.ends}
    assert [end.ref.sid for end in store.end_user(HARRY.user_id, "revoked")] == [live.sid]
    store.end_user(SALLY.user_id, "revoked")

    lines = [event.to_line() for batch in reader.read() for event in batch.events]
    assert any(live.sid.encode() in line and b"revoked" in line for line in lines)
    raw.flushall()


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
@pytest.mark.parametrize("key", ["lives", "lives for ever", "is gone"])
def test_a_broken_record_stops_nothing(store, raw, record, key):
    keys = store.keys.shards[0]
    raw.hset(keys.records, SID, record)
    raw.zadd(keys.sessions, {SID: server_time(store) + HOUR})
    raw.sadd(keys.users(SALLY.user_id), SID)
    if key != "is gone":
        raw.set(keys.session(SID), "", px=HOUR if key == "lives" else None)
    all_goes_on_beside(store, raw)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_broken_record_that_is_due_stops_nothing(store, raw, record):
    raw.hset(store.keys.shards[0].records, SID, record)
    raw.zadd(store.keys.shards[0].sessions, {SID: 1})
    all_goes_on_beside(store, raw)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_broken_record_of_a_key_that_nothing_else_knows_stops_nothing(store, raw, record):
    raw.hset(store.keys.shards[0].records, SID, record)
    raw.set(store.keys.shards[0].session(SID), "")
    all_goes_on_beside(store, raw)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("sound", [True, False])
def test_a_broken_score_stops_nothing(store, raw, score, sound):
    sid = opened(store).sid if sound else SID
    raw.zadd(store.keys.shards[0].sessions, {sid: score})
    all_goes_on_beside(store, raw)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_the_end_of_a_session_with_a_broken_score_is_still_told(store, raw, score):
    token, keys = opened(store), store.keys.shards[0]
    raw.zadd(keys.sessions, {token.sid: score})
    raw.delete(keys.session(token.sid))
    for _ in reconcile(store, keys):
        pass
    reader = AuditReader(store, "file", wait=0.01)
    reader.attach()
    assert [event.action for batch in reader.read() for event in batch.events] == ["start", "end"]


members = st.binary(max_size=30) | st.text(max_size=25).map(lambda text: text.encode("utf-8", "replace"))


rubbish = st.fixed_dictionaries(
    {
        "sessions": st.dictionaries(members, st.floats(allow_nan=False) | st.just(1.0)),
        "records": st.dictionaries(members, st.binary()),
        "ended": st.dictionaries(members, st.binary()),
        "users:8439": st.sets(members),
    }
)
NOTHING = {"sessions": {}, "records": {}, "ended": {}, "users:8439": set()}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rubbish)
@example(NOTHING | {"sessions": {b"\xff" * 22: 1.0}})
@example(NOTHING | {"sessions": {b"\xff" * 22: float("inf")}})
@example(NOTHING | {"records": {b"\xff" * 22: b""}})
@example(NOTHING | {"ended": {b"\xff": b"\xff"}})
@example(NOTHING | {"users:8439": {b"\xff"}})
def test_members_and_fields_that_nobody_of_us_wrote_stop_nothing(store, raw, found):
    prefix = "sso:{0}:"
    for member, score in found["sessions"].items():
        raw.zadd(prefix + "sessions", {member: score})
    for place in ("records", "ended"):
        for field, value in found[place].items():
            raw.hset(prefix + place, field, value)
    for member in found["users:8439"]:
        raw.sadd(prefix + "users:8439", member)
    store.prune_ended(store.keys.shards[0], "0", page=500, keep=0)
    all_goes_on_beside(store, raw)


@pytest.mark.parametrize("name", ["session:" + SID, "users:0", "canary", "other"])
@pytest.mark.parametrize("kind", ["string", "list", "hash", "stream"])
def test_a_key_of_another_type_under_our_prefix_stops_nothing(store, raw, name, kind):
    key = "sso:{0}:" + name
    if kind == "string":
        raw.set(key, "garbage")
    elif kind == "list":
        raw.lpush(key, "garbage")
    elif kind == "hash":
        raw.hset(key, "a", "b")
    else:
        raw.xadd(key, {"a": "b"})
    all_goes_on_beside(store, raw)
