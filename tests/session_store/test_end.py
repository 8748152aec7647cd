from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from session_store import Config, Reason, Ref, Store, StoreUnavailable, steps, verbs
from session_store.sessions import STRAY
from tests.servers import RedisServer
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
    wait_past,
)


def last_end(store):
    """Return the stream's last entry, which is an end."""
    event = history(store)[-1]
    assert event.action == "end"
    return event


@pytest.mark.parametrize("reason", list(Reason))
def test_an_end_is_told_once_with_reason_actor_and_record(store, reason):
    token = opened(store)
    before = server_time(store)
    assert store.end(ref_of(token), reason, actor="7") == reason
    event = last_end(store)
    assert (event.sid, event.reason, event.actor) == (token.sid, reason, "7")
    assert event.record.person == SALLY
    assert before <= event.at <= server_time(store)
    assert store.end(ref_of(token), "revoked") is None
    assert ends(store) == {token.sid: reason}


def test_when_all_have_ended_nothing_of_them_is_left(store, raw):
    tokens = [opened(store), opened(store, HARRY, idle=MINUTE), over(store)]
    for token in tokens:
        store.end(ref_of(token), "logout")
    assert sorted(raw.keys()) == [b"sso:{0}:audit", b"sso:{0}:ended"]
    assert sorted(raw.hkeys("sso:{0}:ended")) == sorted(token.sid.encode() for token in tokens[:2])


def test_an_end_touches_no_other_session(store):
    first, second, third = opened(store), opened(store), opened(store, HARRY)
    store.end(ref_of(first), "logout")
    assert store.read(first) is None
    assert [store.read(token).ref.sid for token in (second, third)] == [second.sid, third.sid]
    assert {session.ref.sid for session in store.sessions_of(SALLY.user_id)} == {second.sid}


def test_what_was_never_opened_does_not_end(store):
    assert store.end(ref_of(new_token()), "logout") is None
    assert not contents(store)


def test_an_end_is_remembered_until_the_absolute_expiry(store, raw):
    token = new_token()
    expires = store.open(token, SALLY, age=HOUR, idle=MINUTE).expires
    store.end(ref_of(token), "revoked")
    assert raw.hget("sso:{0}:ended", token.sid) == f"revoked {expires}".encode()


@pytest.mark.parametrize("callers", [8])
def test_of_many_that_end_the_same_sessions_each_end_has_one(redis_server, store, callers):
    tokens = [opened(store) for _ in range(40)] + [over(store) for _ in range(5)]
    refs = [ref_of(token) for token in tokens]
    reasons = ["logout", "revoked", "limit", "replaced"]
    keys = store.keys.shards[0]

    def end_in_some_way(number):
        if number % 4 == 3:
            return store.end_due(keys)[1]
        if number % 4 == 2:
            return store.end_user(SALLY.user_id, "password_change")
        return [end for ref in refs for end in store.end_all([ref], reasons[number % 4])]

    with ThreadPoolExecutor(callers) as pool:
        claimed = [end for ended in pool.map(end_in_some_way, range(callers)) for end in ended]
    assert sorted(end.ref.sid for end in claimed) == sorted(ref.sid for ref in refs)
    assert ends(store) == {end.ref.sid: end.reason for end in claimed}
    assert {ends(store)[token.sid] for token in tokens[40:]} == {"expired"}


@pytest.mark.parametrize("asked", ["logout", "revoked", "lost", "evicted", "deleted"])
@pytest.mark.parametrize("only_gone", [True, False])
def test_what_is_over_ends_for_that_whatever_is_asked_for(store, asked, only_gone):
    token = over(store, age=1)
    assert [end.reason for end in store.end_all([ref_of(token)], asked, only_gone=only_gone)] == ["expired"]
    event = last_end(store)
    assert event.at == event.record.expires


@pytest.mark.parametrize("asked", ["logout", "lost", "expired"])
@pytest.mark.parametrize("only_gone", [True, False])
def test_what_was_idle_too_long_ends_for_that_whatever_is_asked_for(store, asked, only_gone):
    token = over(store, age=HOUR, idle=2)
    assert [end.reason for end in store.end_all([ref_of(token)], asked, only_gone=only_gone)] == ["idle"]
    event = last_end(store)
    assert event.at == event.record.created + 2


def test_idle_too_long_and_over_is_idle_at_the_earlier_of_the_two(store):
    token = over(store, age=15, idle=2)
    wait_past(store, server_time(store) + 20)
    assert store.end(ref_of(token), "lost") == "idle"
    event = last_end(store)
    assert event.at == event.record.created + 2


@pytest.mark.parametrize("asked", ["lost", "expired", "evicted", "deleted"])
def test_what_lives_is_not_ended_by_one_who_thinks_it_gone(store, asked):
    token = opened(store, idle=MINUTE)
    before = contents(store)
    assert store.end_all([ref_of(token)], asked, only_gone=True) == []
    assert contents(store) == before


@pytest.mark.parametrize("asked", ["lost", "evicted", "deleted"])
def test_what_is_gone_ends_for_what_was_seen(store, raw, asked):
    token = opened(store, idle=MINUTE)
    raw.delete(store.keys.shards[0].session(token.sid))
    assert [end.reason for end in store.end_all([ref_of(token)], asked, only_gone=True)] == [asked]


@pytest.mark.parametrize(("idle", "reason"), [(None, "expired"), (MINUTE, "idle")])
def test_what_was_seen_to_expire_under_a_shortened_ttl_is_said_so(store, raw, idle, reason):
    token = opened(store, idle=idle)
    key = store.keys.shards[0].session(token.sid)
    raw.pexpire(key, 1)
    wait_past(store, server_time(store) + 1)
    assert [end.reason for end in store.end_all([ref_of(token)], "expired", only_gone=True)] == [reason]


def test_a_session_whose_ttl_was_removed_gets_it_back_from_one_who_thinks_it_gone(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    expires = store.read(token).record.expires
    raw.persist(keys.session(token.sid))
    assert store.end_all([ref_of(token)], "lost", only_gone=True) == []
    assert raw.pexpiretime(keys.session(token.sid)) == raw.zscore(keys.sessions, token.sid) == expires


@pytest.mark.parametrize("by_hand", [MINUTE, 2 * MINUTE])
def test_a_ttl_changed_by_hand_is_mirrored_in_the_sorted_set(store, raw, by_hand):
    token, keys = opened(store, age=HOUR, idle=MINUTE), store.keys.shards[0]
    raw.pexpire(keys.session(token.sid), by_hand)
    store.end_all([ref_of(token)], "lost", only_gone=True)
    assert raw.zscore(keys.sessions, token.sid) == pytest.approx(raw.pexpiretime(keys.session(token.sid)), abs=2)


def test_a_ttl_longer_than_its_life_is_cut_to_it(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    expires = store.read(token).record.expires
    raw.pexpire(keys.session(token.sid), 5 * HOUR)
    store.end_all([ref_of(token)], "lost", only_gone=True)
    assert raw.pexpiretime(keys.session(token.sid)) == raw.zscore(keys.sessions, token.sid) == expires


@pytest.mark.valkey
def test_a_lost_entry_of_the_sorted_set_is_put_back(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.zrem(keys.sessions, token.sid)
    assert store.end_all([ref_of(token)], "lost", only_gone=True) == []
    assert raw.zscore(keys.sessions, token.sid) == raw.pexpiretime(keys.session(token.sid))


def test_a_key_without_record_is_lost(store, raw):
    token = opened(store)
    raw.hdel(store.keys.shards[0].records, token.sid)
    assert [end.reason for end in store.end_all([ref_of(token)], "lost", only_gone=True)] == ["lost"]
    assert last_end(store).record is None
    assert store.count() == 0


@pytest.mark.parametrize("left", ["session", "sessions", "records"])
def test_any_one_trace_of_a_session_is_enough_to_end_it_once(store, raw, left):
    token, keys = opened(store), store.keys.shards[0]
    if left != "session":
        raw.delete(keys.session(token.sid))
    if left != "sessions":
        raw.zrem(keys.sessions, token.sid)
    if left != "records":
        raw.hdel(keys.records, token.sid)
    assert store.end(ref_of(token), "logout") == "logout"
    assert store.end(ref_of(token), "logout") is None
    assert ends(store) == {token.sid: "logout"}


@pytest.mark.parametrize(
    "member", ["", "x", "a" * 21, "a" * 23, "a" * 21 + "=", "a" * 21 + ":", "\udcff" * 22, "ä" * 11]
)
def test_a_member_that_is_no_sid_is_removed_and_nothing_ends(store, raw, member):
    keys, name = store.keys.shards[0], member.encode("utf-8", "surrogateescape")
    raw.zadd(keys.sessions, {name: 1})
    raw.hset(keys.records, name, "{}")
    sound = opened(store)
    ended = store.end_all([Ref(0, member), ref_of(sound)], "revoked")
    assert [end.reason for end in ended] == [STRAY, "revoked"]
    assert raw.zcard(keys.sessions) == raw.hlen(keys.records) == 0
    assert ends(store) == {sound.sid: "revoked"}


def test_ends_of_several_shards_stay_apart(redis_server, store):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=3))
    tokens = [new_token(shard) for shard in (0, 1, 2, 1)]
    for token in tokens:
        wide.open(token, SALLY, age=HOUR)
    assert len(wide.end_all([ref_of(token) for token in tokens], "revoked")) == 4
    assert [sorted(ends(wide, shard)) for shard in range(3)] == [
        [tokens[0].sid],
        sorted([tokens[1].sid, tokens[3].sid]),
        [tokens[2].sid],
    ]


def test_more_sessions_than_a_script_takes_end_all_the_same(store):
    count = 2 * verbs.BATCH + 1
    calls = [
        verbs.open_session(store.keys.shards[0], new_token().sid, SALLY, expires_at=None, age=HOUR, idle=None)
        for _ in range(count)
    ]
    store.run_all(calls)
    assert store.count() == count
    assert len(store.end_user(SALLY.user_id, "account_disabled")) == count
    assert store.count() == 0
    assert set(ends(store).values()) == {"account_disabled"}


def test_a_script_is_not_given_more_than_a_batch(store):
    refs = [Ref(0, "a" * 22, "1")] * (verbs.BATCH + 1)
    with pytest.raises(ValueError, match="500"):
        verbs.end(store.keys.shards[0], refs, "revoked", only_gone=False, actor="")


def test_the_same_session_named_twice_ends_once(store):
    token = opened(store)
    assert len(store.end_all([ref_of(token), ref_of(token, SALLY)], "revoked")) == 1
    assert ends(store) == {token.sid: "revoked"}


def test_all_sessions_of_a_user_end_and_nobody_else_s(store):
    mine, his = [opened(store) for _ in range(3)], opened(store, HARRY)
    ended = store.end_user(SALLY.user_id, "password_change", actor="9")
    assert {end.ref.sid for end in ended} == {token.sid for token in mine}
    assert ends(store) == {token.sid: "password_change" for token in mine}
    assert store.read(his) is not None
    assert {event.actor for event in history(store) if event.action == "end"} == {"9"}


def test_all_sessions_of_a_user_end_but_the_one_at_hand(store):
    kept, other = opened(store), opened(store)
    assert [end.ref.sid for end in store.end_user(SALLY.user_id, "password_change", but=kept)] == [other.sid]
    assert store.read(kept) is not None


def test_a_user_without_sessions_has_nothing_to_end(store):
    assert store.end_user("nobody", "account_disabled") == []
    assert not contents(store)


def test_a_session_that_is_over_is_not_called_disabled_with_its_user(store):
    token, live = over(store), opened(store)
    store.end_user(SALLY.user_id, "account_disabled")
    assert ends(store) == {token.sid: "expired", live.sid: "account_disabled"}


def test_a_shard_that_is_not_there_is_a_mistake_of_the_caller(store):
    with pytest.raises(ValueError, match="no shard 10000"):
        store.end(Ref(10_000, "a" * 22), "logout")


@pytest.mark.parametrize("place", ["sessions", "records", "ended", "audit"])
def test_a_key_of_the_wrong_type_is_named_and_nothing_ends_halfway(store, raw, place):
    token = opened(store)
    key = f"sso:{{0}}:{place}"
    raw.delete(key)
    raw.set(key, "x")
    before = contents(store)
    with pytest.raises(StoreUnavailable) as caught:
        store.end(ref_of(token, SALLY), "logout")
    assert key in str(caught.value)
    assert contents(store) == before
    raw.flushall()


@pytest.mark.parametrize("place", ["session", "user"])
def test_a_session_ends_though_its_own_keys_are_of_the_wrong_type(store, raw, place):
    token, keys = opened(store), store.keys.shards[0]
    key = keys.session(token.sid) if place == "session" else keys.users(SALLY.user_id)
    raw.delete(key)
    raw.lpush(key, "x")
    assert store.end(ref_of(token), "logout") == "logout"
    assert ends(store) == {token.sid: "logout"}
    assert store.read(token) is None


def test_at_maxmemory_sessions_still_end_and_are_told(raw):
    with RedisServer(maxmemory_policy="noeviction") as full:
        store = Store(Config(redis_url=full.url))
        tokens = [opened(store), opened(store), over(store)]
        with full.client() as client:
            client.config_set("maxmemory", 1)
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                store.open(new_token(), SALLY, age=HOUR)
            assert store.end(ref_of(tokens[0]), "logout") == "logout"
            assert [end.reason for end in store.end_due(store.keys.shards[0])[1]] == ["expired"]
            assert [end.reason for end in store.end_user(SALLY.user_id, "revoked")] == ["revoked"]
        assert sorted(str(reason) for reason in ends(store).values()) == ["expired", "logout", "revoked"]


def test_what_ended_long_ago_is_forgotten_and_the_rest_is_kept(store, raw):
    keys, now = store.keys.shards[0], server_time(store)
    marks = {f"old{i}": f"logout {now - HOUR - 1000}" for i in range(3000)}
    marks |= {f"new{i}": f"logout {now - HOUR + MINUTE}" for i in range(3000)}
    raw.hset(keys.ended, mapping=marks | {"odd": "nonsense"})
    cursor, forgotten, pages = "0", 0, 0
    while pages == 0 or cursor != "0":
        cursor, count = store.prune_ended(keys, cursor, page=500, keep=HOUR)
        forgotten, pages = forgotten + count, pages + 1
    assert forgotten == 3001
    assert pages > 1
    assert {field[:3] for field in raw.hkeys(keys.ended)} == {b"new"}
    assert raw.hlen(keys.ended) == 3000


def test_a_reason_that_is_none_is_refused_before_anything_ends(store):
    token = opened(store)
    with pytest.raises(ValueError, match="a whim"):
        store.end(ref_of(token), "a whim")
    assert store.read(token)


def test_of_a_user_those_that_began_before_a_moment_end(store):
    first = opened(store)
    wait_past(store, store.read(first).record.created)
    moment = server_time(store)
    wait_past(store, moment)
    second = opened(store)
    ended = store.do(steps.end_user(store.keys, "1", "revoked", but=None, actor="", before=moment))
    assert [end.ref.sid for end in ended] == [first.sid]
    assert store.read(second)
