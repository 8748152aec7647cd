"""What is new about a user stands in the records of live sessions; all else there stays as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_store import AsyncStore, Person
from tests.session_store.samples import HARRY, HOUR, SALLY, contents, new_token, opened, ref_of
from tests.session_store.test_async_store import run

TEXTS = st.text(st.one_of(st.sampled_from('"\\,:{}\n'), st.characters(codec="utf-8")), max_size=12)


def test_a_new_name_is_in_every_record_of_that_user_and_of_nobody_else(store):
    mine, other = [opened(store), opened(store, idle=HOUR)], opened(store, HARRY)
    before = [store.read(token) for token in mine]
    assert store.update_user(Person("1", "sal", "sal@example.org", "Sal")) == 2
    for token, session in zip(mine, before, strict=True):
        record = store.read(token).record
        assert record.person == Person("1", "sal", "sal@example.org", "Sal", "192.0.2.1", "Firefox")
        assert (record.created, record.expires, record.idle) == (
            session.record.created,
            session.record.expires,
            session.record.idle,
        )
    assert store.read(other).record.person == HARRY


def test_what_is_as_it_was_is_not_written(store):
    opened(store)
    before = contents(store)
    assert store.update_user(SALLY) == 0
    assert contents(store) == before


def test_fields_of_another_version_stay(store):
    token, records = opened(store), store.keys.shards[0].records
    record = json.loads(store.redis.hget(records, token.sid))
    store.redis.hset(records, token.sid, json.dumps({**record, "device": [1, {"a": None}]}, separators=(",", ":")))
    store.update_user(Person("1", "sal"))
    after = json.loads(store.redis.hget(records, token.sid))
    del record["email"], record["display"]
    assert after == {**record, "name": "sal", "device": [1, {"a": None}]}


def test_more_than_a_script_may_touch_change_all_the_same(store):
    for _ in range(501):
        store.open(new_token(), SALLY, age=HOUR)
    assert store.update_user(Person("1", "sal")) == 501
    assert {session.record.person.name for session in store.sessions_of("1", limit=1000)} == {"sal"}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), new=st.tuples(TEXTS, TEXTS, TEXTS))
def test_whatever_the_texts_are(store, old, new):
    token = new_token()
    before = Person("1", old[0] or "x", old[1], old[2], "", old[3])
    store.open(token, before, age=HOUR)
    store.update_user(Person("1", new[0] or "x", new[1], new[2]))
    person = store.read(token).record.person
    assert person == Person("1", new[0] or "x", new[1], new[2], "", old[3])
    assert json.loads(store.redis.hget(store.keys.shards[0].records, token.sid))
    store.end(ref_of(token), "logout")


@pytest.mark.leaves_mess
@pytest.mark.parametrize(
    "record", ['{"user":"1"', '{"user":"1","name":"', "nonsense", '{"user":"1","expires":5,"name":"a\\']
)
def test_a_broken_record_is_left_as_it_is_or_stays_broken(store, record):
    token, keys = opened(store), store.keys.shards[0]
    store.redis.hset(keys.records, token.sid, record)
    store.update_user(Person("1", "sal"))
    assert store.read(token) is None


def test_an_event_loop_does_the_same(store):
    token = opened(store)

    async def work(site: AsyncStore) -> None:
        assert await site.update_user(Person("1", "sal")) == 1

    run(store.config, work)
    assert store.read(token).record.person.name == "sal"
