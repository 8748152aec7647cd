from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from session_store import Config, Person, Store
from session_store.records import user_in_record
from tests.session_store.samples import (
    HARRY,
    HOUR,
    MINUTE,
    SALLY,
    contents,
    new_token,
    opened,
    over,
    ref_of,
)


def sids(sessions):
    """Return the sids, in order."""
    return [session.ref.sid for session in sessions]


def test_a_user_s_sessions_are_listed_and_nobody_else_s(store):
    mine = {opened(store).sid, opened(store).sid}
    opened(store, HARRY)
    assert set(sids(store.sessions_of(SALLY.user_id))) == mine
    assert store.sessions_of("nobody") == []


def test_a_listed_session_is_the_one_that_is_read(store):
    token = opened(store, idle=MINUTE)
    read = store.read(token)
    (listed,) = store.sessions_of(SALLY.user_id)
    (of_all,) = store.sessions()
    assert listed == of_all
    assert (listed.ref, listed.record) == (read.ref, read.record)
    assert abs(listed.deadline - read.deadline) <= 2


def test_at_most_as_many_as_asked_for_are_listed(store):
    for _ in range(5):
        opened(store)
    assert len(store.sessions_of(SALLY.user_id, limit=3)) == 3


def test_all_sessions_are_listed_page_by_page_those_that_end_first_in_front(store):
    tokens = [opened(store, age=HOUR + number * MINUTE) for number in (3, 1, 4, 0, 2)]
    expected = [tokens[i].sid for i in (3, 1, 4, 0, 2)]
    for page in (1, 2, 5, 500):
        assert sids(store.sessions(page=page)) == expected


def test_the_sessions_of_all_shards_are_listed_and_counted(redis_server, store):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=3))
    tokens = [new_token(shard) for shard in (2, 0, 1)]
    for token in tokens:
        wide.open(token, SALLY, age=HOUR)
    assert sids(wide.sessions()) == [tokens[1].sid, tokens[2].sid, tokens[0].sid]
    assert wide.count() == 3


def test_sessions_are_counted_from_opening_to_end(store):
    assert store.count() == 0
    tokens = [opened(store), opened(store, HARRY)]
    assert store.count() == 2
    store.end(ref_of(tokens[0]), "logout")
    assert store.count() == 1


def test_what_is_just_due_still_counts(store):
    over(store)
    assert store.count() == 1
    store.end_due(store.keys.shards[0])
    assert store.count() == 0


def test_what_has_ended_is_not_listed(store):
    token = opened(store)
    store.end(ref_of(token), "logout")
    assert store.sessions_of(SALLY.user_id) == []
    assert list(store.sessions()) == []


def test_what_is_over_is_not_listed_among_a_user_s_live_sessions(store):
    over(store)
    live = opened(store)
    found = sids(store.sessions_of(SALLY.user_id))
    store.end_due(store.keys.shards[0])
    assert found == [live.sid]


def test_listing_changes_nothing(store):
    opened(store)
    before = contents(store)
    store.sessions_of(SALLY.user_id)
    list(store.sessions())
    store.count()
    assert contents(store) == before


def test_a_broken_record_hides_its_own_session_only(store, raw):
    broken, sound = opened(store, age=HOUR), opened(store, age=2 * HOUR)
    raw.hset(store.keys.shards[0].records, broken.sid, "{")
    assert sids(store.sessions()) == sids(store.sessions_of(SALLY.user_id)) == [sound.sid]


def test_a_page_of_broken_records_does_not_hide_the_pages_behind_it(store, raw):
    broken = [opened(store, age=HOUR) for _ in range(4)]
    sound = opened(store, age=2 * HOUR)
    for token in broken:
        raw.hset(store.keys.shards[0].records, token.sid, "{")
    assert sids(store.sessions(page=2)) == [sound.sid]


def test_members_that_are_no_sessions_are_not_listed(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.sadd(keys.users(SALLY.user_id), "garbage", b"\xff", "a" * 22)
    assert sids(store.sessions_of(SALLY.user_id)) == [token.sid]


def test_users_that_share_a_set_never_see_or_end_each_other_s_sessions(store, raw):
    one, other = Person("1", "sally"), Person("4659", "harry")
    keys = store.keys.shards[0]
    assert keys.users(one.user_id) == keys.users(other.user_id)
    ours, theirs = opened(store, one), opened(store, other)
    assert [session.ref.sid for session in store.sessions_of("1")] == [ours.sid]
    assert [session.ref.sid for session in store.sessions_of("4659")] == [theirs.sid]
    assert [end.ref.sid for end in store.end_user("1", "revoked")] == [ours.sid]
    assert store.read(theirs) is not None
    assert raw.smembers(keys.users("1")) == {theirs.sid.encode()}


@given(user=st.text(min_size=1, max_size=12), name=st.text(min_size=1, max_size=12))
@example(user='1","user":"2', name='","user":"2')
@example(user="2", name='"user":"1"')
@example(user="\\", name="\\u0022")
def test_a_user_is_found_in_a_record_by_the_id_alone(user, name):
    record = Person(user, name, name, name).to_json()
    assert user_in_record(user) in record
    assert record.count('"user":') == 1
