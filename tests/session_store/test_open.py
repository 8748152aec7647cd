from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from session_store import Config, Person, Reason, Ref, Store, StoreUnavailable
from tests.session_store.samples import (
    HARRY,
    HOUR,
    MINUTE,
    SALLY,
    contents,
    ends,
    history,
    new_token,
    opened,
    over,
    ref_of,
    server_time,
)


def test_an_opened_session_is_in_every_place_with_one_deadline(store, raw):
    token, keys = new_token(), store.keys.shards[0]
    before = server_time(store)
    opening = store.open(token, SALLY, age=HOUR)
    after = server_time(store)
    assert opening.status == "opened"
    assert opening.lives
    assert before + HOUR <= opening.expires <= after + HOUR
    assert raw.pexpiretime(keys.session(token.sid)) == opening.expires
    assert raw.zscore(keys.sessions, token.sid) == opening.expires
    assert raw.smembers(keys.users(SALLY.user_id)) == {token.sid.encode()}
    record = json.loads(raw.hget(keys.records, token.sid))
    assert (record["created"], record["expires"]) == (opening.expires - HOUR, opening.expires)


def test_the_stream_says_once_that_it_began_and_whose_it_is(store):
    token = opened(store)
    (event,) = history(store)
    assert (event.action, event.sid) == ("start", token.sid)
    assert event.record.person == SALLY
    assert event.at == event.record.created


def test_nothing_in_redis_holds_the_token(store, raw):
    token = opened(store)
    assert token.value[2:] not in repr(contents(store))
    assert token.sid.encode() in b"".join(raw.keys())


def test_the_user_s_own_sessions_of_two_shards_stay_apart(redis_server, store, raw):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=2))
    tokens = [new_token(0), new_token(1)]
    for token in tokens:
        wide.open(token, SALLY, age=HOUR)
    for token, keys in zip(tokens, wide.keys.shards, strict=True):
        assert raw.smembers(keys.users("1")) == {token.sid.encode()}
        assert raw.hkeys(keys.records) == [token.sid.encode()]


def test_with_an_idle_timeout_the_key_goes_before_the_absolute_expiry(store, raw):
    token, keys = new_token(), store.keys.shards[0]
    opening = store.open(token, SALLY, age=HOUR, idle=MINUTE)
    deadline = raw.pexpiretime(keys.session(token.sid))
    assert deadline == raw.zscore(keys.sessions, token.sid) == opening.expires - HOUR + MINUTE


def test_an_idle_timeout_longer_than_its_life_does_not_lengthen_it(store, raw):
    token = new_token()
    opening = store.open(token, SALLY, age=MINUTE, idle=HOUR)
    assert raw.pexpiretime(store.keys.shards[0].session(token.sid)) == opening.expires


def test_an_absolute_expiry_is_kept_to_the_millisecond(store, raw):
    token, expires = new_token(), server_time(store) + HOUR
    assert store.open(token, SALLY, expires_at=expires).expires == expires
    assert raw.pexpiretime(store.keys.shards[0].session(token.sid)) == expires


@pytest.mark.parametrize("ago", [0, 1, HOUR])
def test_what_is_over_already_is_not_opened(store, ago):
    token, expires = new_token(), server_time(store) - ago
    opening = store.open(token, SALLY, expires_at=expires)
    assert (opening.status, opening.expires, opening.lives) == ("over", expires, False)
    assert not contents(store)


def test_opening_again_changes_nothing(store):
    token = new_token()
    first = store.open(token, SALLY, age=HOUR)
    before = contents(store)
    again = store.open(token, HARRY, age=2 * HOUR, idle=MINUTE)
    assert (again.status, again.expires, again.lives) == ("alive", first.expires, True)
    assert contents(store) == before


def test_sixty_requests_at_once_open_one_session(store):
    token = new_token()
    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda _: store.open(token, SALLY, age=HOUR), range(60)))
    assert sorted({opening.status for opening in openings}) == ["alive", "opened"]
    assert [opening.status for opening in openings].count("opened") == 1
    assert len({opening.expires for opening in openings}) == 1
    assert [event.action for event in history(store)] == ["start"]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.EXPIRED])
def test_what_has_ended_stays_ended(store, reason):
    token = opened(store)
    store.end(ref_of(token), reason)
    opening = store.open(token, SALLY, age=HOUR)
    assert (opening.status, opening.lives) == ("ended", False)
    assert store.read(token) is None
    assert len(history(store)) == 2


def test_what_expired_is_over_when_it_is_opened_to_the_same_expiry(store):
    token = new_token()
    expires = store.open(token, SALLY, age=1).expires
    while not store.end_due(store.keys.shards[0])[1]:
        pass
    assert store.open(token, SALLY, expires_at=expires).status == "over"
    assert ends(store) == {token.sid: "expired"}


def test_what_was_seen_to_expire_before_its_time_stays_ended(store, raw):
    token = new_token()
    expires = store.open(token, SALLY, age=HOUR).expires
    raw.delete(store.keys.shards[0].session(token.sid))
    assert [end.reason for end in store.end_all([ref_of(token)], "expired", only_gone=True)] == ["expired"]
    assert store.open(token, SALLY, expires_at=expires).status == "ended"


def test_what_is_gone_but_not_yet_ended_is_not_opened_in_its_own_place(store, raw):
    token = opened(store)
    raw.delete(store.keys.shards[0].session(token.sid))
    assert store.open(token, SALLY, age=HOUR).status == "ended"
    assert not raw.exists(store.keys.shards[0].session(token.sid))


def test_what_is_over_but_not_yet_ended_is_not_opened_again(store):
    token = over(store)
    assert store.open(token, SALLY, age=HOUR).status == "ended"
    assert store.read(token) is None


def test_a_session_whose_ttl_was_removed_is_still_open(store, raw):
    token = opened(store)
    raw.persist(store.keys.shards[0].session(token.sid))
    status = store.open(token, SALLY, age=HOUR).status
    assert store.read(token) is not None
    store.renew(token)
    assert status == "alive"


def test_a_log_in_ends_the_sessions_of_the_same_browser_as_replaced(store):
    old, older, new = opened(store, SALLY), opened(store, HARRY), new_token()
    replaced = [ref_of(old, SALLY), ref_of(older, HARRY)]
    assert store.open(new, HARRY, age=HOUR, replaces=replaced).status == "opened"
    assert ends(store) == {old.sid: "replaced", older.sid: "replaced"}
    assert [session.ref.sid for session in store.sessions()] == [new.sid]
    assert not store.sessions_of(SALLY.user_id)


def test_replacing_leaves_nothing_behind_where_the_user_is_not_known(store, raw):
    old, new = opened(store, SALLY), new_token()
    store.open(new, HARRY, age=HOUR, replaces=[ref_of(old)])
    assert ends(store) == {old.sid: "replaced"}
    assert raw.keys(store.keys.shards[0].users_pattern) == [store.keys.shards[0].users(HARRY.user_id).encode()]


def test_replacing_what_has_ended_before_is_no_second_end(store):
    old, new = opened(store), new_token()
    store.end(ref_of(old), "logout")
    assert store.open(new, SALLY, age=HOUR, replaces=[ref_of(old, SALLY)]).lives
    assert ends(store) == {old.sid: "logout"}


def test_a_lost_session_ends_as_lost_when_another_is_opened_for_it(store, raw):
    old, new = opened(store), new_token()
    raw.delete(store.keys.shards[0].session(old.sid))
    assert store.open(new, SALLY, age=HOUR, lost=ref_of(old, SALLY)).lives
    assert ends(store) == {old.sid: "lost"}


def test_sixty_requests_at_once_heal_one_lost_session_once(store, raw):
    old, new = opened(store), new_token()
    raw.delete(store.keys.shards[0].session(old.sid))
    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda _: store.open(new, SALLY, age=HOUR, lost=ref_of(old, SALLY)).status, range(60)))
    assert openings.count("opened") == 1
    assert ends(store) == {old.sid: "lost"}


def test_what_is_said_to_be_lost_but_lives_is_left_alone(store):
    old, new = opened(store), new_token()
    assert store.open(new, SALLY, age=HOUR, lost=ref_of(old, SALLY)).lives
    assert not ends(store)
    assert store.read(old) is not None


@pytest.mark.parametrize("many", [0, 1, 2])
def test_opening_is_one_round_trip_however_many_it_replaces(store, raw, many):
    replaced = [ref_of(opened(store, person), person) for person in (SALLY, HARRY)[:many]]
    store.open(new_token(), SALLY, age=HOUR, replaces=replaced)
    before = reads(raw)
    store.open(new_token(), SALLY, age=HOUR, replaces=replaced)
    assert reads(raw) - before - reads_of_looking == 1


#: What the look itself adds to the server's count.
reads_of_looking = 1


def reads(raw) -> int:
    """Return how often the server has read from a client: once a round trip."""
    return int(raw.info("stats")["total_reads_processed"])


def test_a_shard_that_is_not_there_is_a_mistake_of_the_caller(store):
    with pytest.raises(ValueError, match="no shard 10000"):
        store.open(new_token(10_000), SALLY, age=HOUR)


@pytest.mark.parametrize("place", ["session:{sid}", "sessions", "records", "ended", "audit", "users:8439"])
def test_a_key_of_the_wrong_type_is_named_and_nothing_is_written(store, raw, place):
    token = new_token()
    key = "sso:{0}:" + place.replace("{sid}", token.sid)
    raw.lpush(key, "x")
    with pytest.raises(StoreUnavailable) as caught:
        store.open(token, SALLY, age=HOUR)
    assert key in str(caught.value)
    assert raw.keys() == [key.encode()]
    raw.flushall()


def test_a_nameless_ref_of_another_shard_ends_in_its_own(redis_server, store):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=2))
    old, new = new_token(1), new_token(0)
    wide.open(old, Person("1", "sally"), age=HOUR)
    wide.open(new, SALLY, age=HOUR, replaces=[Ref(1, old.sid)])
    assert ends(wide, 1) == {old.sid: "replaced"}
    assert not ends(wide, 0)
