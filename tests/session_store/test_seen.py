"""When a session was last active, and where: noted in its record by the check that is made anyway."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_store import Store
from session_store.records import MAX_MS, parse_record
from tests.session_store.samples import HOUR, MINUTE, SALLY, contents, history, opened, ref_of


def record_of(store: Store, sid: str) -> bytes:
    return store.redis.hget(store.keys.shards[0].records, sid)


def begin_earlier(store: Store, sid: str, *, minutes: int) -> None:
    """Let a session have been opened so long ago."""
    raw = record_of(store, sid)
    moved = re.sub(rb'"created":(\d+)', lambda found: b'"created":%d' % (int(found[1]) - minutes * MINUTE), raw)
    store.redis.hset(store.keys.shards[0].records, sid, moved)


def only(store: Store):
    (session,) = store.sessions_of(SALLY.user_id)
    return session


def test_a_new_session_was_active_on_the_site_and_never_in_the_wiki(store):
    opened(store)
    session = only(store)
    assert session.last_active == session.record.on_site == session.record.created
    assert session.record.in_wiki is None


def test_the_first_visit_to_the_wiki_is_noted_at_once(store):
    token = opened(store)
    (check,) = store.check([token], place="wiki")
    assert check.session.record.in_wiki == check.session.record.created
    assert only(store).record == check.session.record


def test_activity_is_noted_at_either_place_to_the_minute(store):
    token = opened(store, age=20 * HOUR)
    begin_earlier(store, token.sid, minutes=12)
    store.check([token], place="wiki")
    begin_earlier(store, token.sid, minutes=90)
    store.check([token], place="site")
    session = only(store)
    assert session.record.in_wiki == session.record.created + 12 * MINUTE
    assert session.record.on_site == session.record.created + 102 * MINUTE == session.last_active


def test_within_five_minutes_nothing_is_written(store):
    token = opened(store)
    for place in ("site", "wiki"):
        begin_earlier(store, token.sid, minutes=7)
        store.check([token], place=place)
        begin_earlier(store, token.sid, minutes=4)
        before = contents(store)
        store.check([token], place=place)
        assert contents(store) == before
        begin_earlier(store, token.sid, minutes=1)
        store.check([token], place=place)
        assert contents(store) != before


def test_where_there_is_an_idle_timeout_the_deadline_says_it_better(store):
    token = opened(store, idle=HOUR)
    begin_earlier(store, token.sid, minutes=4)
    session = only(store)
    assert session.last_active == session.deadline - HOUR > session.record.on_site


def test_a_visit_to_the_wiki_keeps_an_idle_session_alive(store, raw):
    token, key = opened(store, age=9 * HOUR, idle=HOUR), store.keys.shards[0].session
    raw.pexpire(key(token.sid), MINUTE)
    (check,) = store.check([token], place="wiki")
    assert check.session.deadline > check.now + 59 * MINUTE


def test_a_clock_that_was_set_back_changes_nothing(store):
    token = opened(store)
    begin_earlier(store, token.sid, minutes=-30)
    before = contents(store)
    assert [check.session is not None for place in ("site", "wiki") for check in store.check([token], place=place)]
    assert contents(store) == before


def test_the_end_passes_on_what_the_record_says(store):
    token = opened(store)
    store.check([token], place="wiki")
    store.end(ref_of(token), "logout")
    end = history(store)[-1]
    assert (end.record.person, end.record.in_wiki) == (SALLY, end.record.created)


def test_where_memory_is_short_it_is_not_noted_and_the_session_is_read(store, raw):
    token = opened(store, age=HOUR)
    raw.config_set("maxmemory", "1mb")
    try:
        (check,) = store.check([token], place="wiki")
    finally:
        raw.config_set("maxmemory", "0")
    assert check.session.record.person == SALLY
    assert only(store).record.in_wiki is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(max_size=40), minutes=st.integers(0, 10_000_000))
def test_no_text_in_a_record_is_taken_for_the_note(store, text, minutes):
    name = f'{text}"wiki":7,"site":8'
    token = opened(store, SALLY.__class__("1", name or "x", user_agent=name), age=HOUR)
    begin_earlier(store, token.sid, minutes=minutes)
    for place in ("wiki", "site", "wiki"):
        (check,) = store.check([token], place=place)
    record = check.session.record
    assert (record.in_wiki - record.created) // MINUTE == minutes
    assert record.person.name == parse_record(record_of(store, token.sid), "").person.name
    store.end(ref_of(token), "logout")


def test_a_note_that_is_no_time_is_no_error():
    for note in (-5, 10**14):
        raw = f'{{"created":1,"expires":9,"user":"1","name":"s","wiki":{note}}}'
        assert 1 <= parse_record(raw, "").in_wiki <= MAX_MS
