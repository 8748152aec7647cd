from __future__ import annotations

import pytest

from session_store import Config, Reason, Store, StoreUnavailable, verbs
from tests.session_store.samples import (
    HARRY,
    HOUR,
    SALLY,
    contents,
    ends,
    history,
    new_token,
    opened,
    ref_of,
)


@pytest.mark.parametrize("reason", list(Reason))
def test_what_lives_again_goes_without_a_second_end(store, raw, reason):
    token, other = opened(store), opened(store)
    before = history(store)
    assert store.bury([(ref_of(token), reason)]) == 1
    assert store.read(token) is None
    assert history(store) == before
    assert [session.ref.sid for session in store.sessions_of(SALLY.user_id)] == [other.sid]
    assert raw.smembers("sso:{0}:users:8439") == {other.sid.encode()}
    assert store.bury([(ref_of(token), reason)]) == 0


def test_what_was_buried_is_remembered_with_the_reason_that_it_had_ended_for(store):
    token = opened(store)
    store.bury([(ref_of(token), "revoked")])
    assert store.check([token])[0].ended == Reason.REVOKED
    assert store.open(token, SALLY, age=HOUR).status == "ended"


def test_what_does_not_live_is_not_touched(store):
    token = opened(store)
    store.end(ref_of(token), "logout")
    before = contents(store)
    assert store.bury([(ref_of(token), "revoked"), (ref_of(new_token()), "logout")]) == 0
    assert contents(store) == before


@pytest.mark.parametrize("left", ["session", "sessions", "records"])
def test_any_trace_of_it_goes(store, raw, left):
    token, keys = opened(store), store.keys.shards[0]
    if left != "session":
        raw.delete(keys.session(token.sid))
    if left != "sessions":
        raw.delete(keys.sessions)
    if left != "records":
        raw.delete(keys.records)
    assert store.bury([(ref_of(token, SALLY), "logout")]) == 1
    assert not raw.exists(keys.session(token.sid), keys.sessions, keys.records)
    assert not ends(store)


def test_more_than_a_script_takes_and_of_all_shards_are_buried(redis_server, store, raw):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=2))
    people = [SALLY, HARRY]
    tokens = [new_token(number % 2) for number in range(2 * verbs.BATCH + 10)]
    wide.run_all(
        [
            verbs.open_session(wide.keys.shards[token.shard], token.sid, people[token.shard], expires_at=None, age=HOUR,
                               idle=None)
            for token in tokens
        ]
    )  # fmt: skip
    assert wide.count() == len(tokens)
    assert wide.bury((ref_of(token), "logout") for token in tokens) == len(tokens)
    assert wide.count() == 0
    assert not raw.keys("*user*")
    assert not ends(wide, 0)
    assert not ends(wide, 1)


@pytest.mark.parametrize("place", ["sessions", "records", "ended"])
def test_a_key_of_the_wrong_type_lets_nothing_go_halfway(store, raw, place):
    token = opened(store)
    raw.delete(f"sso:{{0}}:{place}")
    raw.set(f"sso:{{0}}:{place}", "x")
    before = contents(store)
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        store.bury([(ref_of(token, SALLY), "logout")])
    assert contents(store) == before
    raw.flushall()
