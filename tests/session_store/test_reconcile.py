from __future__ import annotations

import pytest

from session_store import Config, Store, verbs
from session_store.reconcile import reconcile, reconcile_thoroughly
from session_store.sessions import STRAY
from tests.session_store.samples import HARRY, HOUR, MINUTE, SALLY, contents, ends, new_token, opened, over, ref_of

#: Milliseconds that may pass within a script before Redis 7.2.
TICK = 1


def whole_pass(store, shard=0, *, page=verbs.BATCH):
    """Make one pass and return what ended and how many leftovers went."""
    pages = list(reconcile(store, store.keys.shards[shard], page=page))
    return {end.ref.sid: end.reason for each in pages for end in each.ends}, sum(each.tidied for each in pages)


def test_where_all_is_well_nothing_changes(store):
    for person in (SALLY, SALLY, HARRY):
        opened(store, person, idle=MINUTE)
    before = contents(store)
    assert whole_pass(store) == ({}, 0)
    assert contents(store) == before


def test_an_empty_redis_is_well(store):
    assert whole_pass(store) == ({}, 0)


def test_what_lost_its_key_ends_as_lost(store, raw):
    gone, live = opened(store), opened(store)
    raw.delete(store.keys.shards[0].session(gone.sid))
    assert whole_pass(store) == ({gone.sid: "lost"}, 0)
    assert ends(store) == {gone.sid: "lost"}
    assert store.read(live) is not None


def test_what_is_over_ends_for_that(store):
    expired, idle = over(store), over(store, age=HOUR, idle=1)
    assert whole_pass(store)[0] == {expired.sid: "expired", idle.sid: "idle"}


def test_a_record_alone_ends_as_lost(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.delete(keys.session(token.sid))
    raw.zrem(keys.sessions, token.sid)
    assert whole_pass(store)[0] == {token.sid: "lost"}


def test_an_index_entry_alone_ends_as_lost(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.delete(keys.session(token.sid))
    raw.hdel(keys.records, token.sid)
    assert whole_pass(store)[0] == {token.sid: "lost"}


def test_a_key_without_record_ends_as_lost(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.hdel(keys.records, token.sid)
    raw.zrem(keys.sessions, token.sid)
    assert whole_pass(store)[0] == {token.sid: "lost"}
    assert not raw.exists(keys.session(token.sid))


def test_a_live_session_gets_its_place_in_the_sorted_set_back(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.delete(keys.sessions)
    assert whole_pass(store) == ({}, 0)
    assert raw.zscore(keys.sessions, token.sid) == pytest.approx(raw.pexpiretime(keys.session(token.sid)), abs=TICK)


@pytest.mark.parametrize("by_hand", ["persist", "longer", "shorter"])
@pytest.mark.parametrize("idle", [None, MINUTE])
def test_a_deadline_changed_by_hand_is_one_again_and_within_its_life(store, raw, by_hand, idle):
    token, keys = opened(store, idle=idle), store.keys.shards[0]
    key = keys.session(token.sid)
    expires = store.read(token).record.expires
    assert raw.persist(key) if by_hand == "persist" else raw.pexpire(key, 5 * HOUR if by_hand == "longer" else MINUTE)
    assert whole_pass(store) == ({}, 0)
    deadline = raw.pexpiretime(key)
    assert deadline <= expires
    assert raw.zscore(keys.sessions, token.sid) == pytest.approx(deadline, abs=2)


def test_a_users_set_loses_what_has_no_record(store, raw):
    token, user = opened(store), store.keys.shards[0].users(SALLY.user_id)
    raw.sadd(user, "a" * 22, "garbage", b"\xff")
    assert whole_pass(store) == ({}, 3)
    assert raw.smembers(user) == {token.sid.encode()}


def test_members_that_are_no_sids_go_and_nothing_ends(store, raw):
    keys, token = store.keys.shards[0], opened(store)
    raw.zadd(keys.sessions, {"x": 1, b"\xff\xfe": 9e15, "a b": 5})
    raw.hset(keys.records, mapping={"y": "{}", b"\xff": "z", "": "e"})
    assert set(whole_pass(store)[0].values()) == {STRAY}
    assert raw.zrange(keys.sessions, 0, -1) == raw.hkeys(keys.records) == [token.sid.encode()]
    assert not ends(store)


def test_other_keys_under_the_prefix_are_left_alone(store, raw):
    opened(store)
    raw.mset({"sso:{0}:session:short": 1, "sso:{0}:other": 1, "sso:{1}:session:" + "a" * 22: 1, "other": 1})
    raw.pexpire("sso:{0}:session:short", HOUR)
    raw.pexpire("sso:{1}:session:" + "a" * 22, HOUR)
    before = contents(store)
    assert whole_pass(store) == ({}, 0)
    assert contents(store) == before


def test_small_pages_find_all_of_many(store, raw):
    keys = store.keys.shards[0]
    tokens = [new_token() for _ in range(400)]
    store.run_all(
        [verbs.open_session(keys, token.sid, SALLY, expires_at=None, age=HOUR, idle=None) for token in tokens]
    )
    gone = {token.sid for token in tokens[::2]}
    raw.delete(*map(keys.session, gone))
    pages = list(reconcile(store, keys, page=20))
    assert {end.ref.sid for page in pages for end in page.ends} == gone == set(ends(store))
    assert max(page.looked_at for page in pages) <= 200
    assert len(pages) > 20
    assert store.count() == 200


def test_sessions_that_come_and_go_meanwhile_end_once(store):
    early = [opened(store) for _ in range(50)]
    late = []
    for number, _ in enumerate(reconcile(store, store.keys.shards[0], page=10)):
        late.append(opened(store, HARRY))
        if number < len(early):
            store.end(ref_of(early[number]), "logout")
    assert set(ends(store).values()) == {"logout"}
    assert all(store.read(token) for token in late)


def test_two_passes_at_once_end_each_session_once(store, raw):
    tokens = [opened(store) for _ in range(30)]
    raw.delete(*(store.keys.shards[0].session(token.sid) for token in tokens))
    passes = [reconcile(store, store.keys.shards[0], page=7) for _ in range(2)]
    for pages in zip(*passes, strict=False):
        assert len(pages) == 2
    assert ends(store) == {token.sid: "lost" for token in tokens}


def test_a_shard_is_reconciled_by_itself(redis_server, store, raw):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=2))
    tokens = [new_token(0), new_token(1)]
    for token in tokens:
        wide.open(token, SALLY, age=HOUR)
        raw.delete(wide.keys.shards[token.shard].session(token.sid))
    assert whole_pass(wide, 1)[0] == {tokens[1].sid: "lost"}
    assert whole_pass(wide, 0)[0] == {tokens[0].sid: "lost"}


@pytest.mark.parametrize("prefix", ["a*b", "[x]", "q?", "back\\slash", "a:{}b".replace("{}", "")])
def test_a_prefix_with_glob_characters_is_reconciled_and_its_neighbour_is_not(redis_server, store, raw, prefix):
    odd = Store(Config(redis_url=redis_server.url, redis_prefix=prefix))
    token, keys = opened(odd), odd.keys.shards[0]
    raw.delete(keys.sessions)
    raw.sadd(keys.users(SALLY.user_id), "leftover")
    assert whole_pass(odd) == ({}, 1)
    assert raw.zscore(keys.sessions, token.sid) == pytest.approx(raw.pexpiretime(keys.session(token.sid)), abs=TICK)


def test_a_users_set_of_the_wrong_type_does_not_keep_the_others_from_being_tidied(store, raw):
    keys = store.keys.shards[0]
    opened(store)
    for number in range(10):
        raw.set(keys.users(f"odd{number}"), "garbage")
        raw.sadd(keys.users(f"even{number}"), "leftover")
    assert whole_pass(store) == ({}, 10)


def test_a_user_s_set_that_lost_a_live_session_gets_it_back(store, raw):
    token = opened(store)
    raw.delete(store.keys.shards[0].users(SALLY.user_id))
    for _ in reconcile_thoroughly(store, store.keys.shards[0]):
        pass
    assert raw.smembers(store.keys.shards[0].users(SALLY.user_id)) == {token.sid.encode()}


@pytest.mark.parametrize("thorough", [False, pytest.param(True, marks=pytest.mark.valkey)])
def test_where_all_is_well_a_pass_writes_nothing_and_sends_little(store, raw, thorough):
    for _ in range(300):
        opened(store, idle=MINUTE)
    before = contents(store)
    raw.config_resetstat()
    pages = (reconcile_thoroughly if thorough else reconcile)(store, store.keys.shards[0])
    assert sum(page.looked_at for page in pages) >= 300
    assert contents(store) == before
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] < 10


def test_a_users_set_too_large_to_look_into_at_once_is_tidied_piece_by_piece(store, raw):
    token, keys = opened(store), store.keys.shards[0]
    raw.sadd(keys.users(SALLY.user_id), *(f"leftover{number}" for number in range(2500)))
    assert whole_pass(store) == ({}, 2500)
    assert raw.smembers(keys.users(SALLY.user_id)) == {token.sid.encode()}


def test_a_thorough_pass_finds_what_a_quick_one_does(store, raw):
    gone, expired, keys = opened(store), over(store), store.keys.shards[0]
    raw.delete(keys.session(gone.sid))
    found = [end for page in reconcile_thoroughly(store, keys) for end in page.ends]
    assert {end.ref.sid: end.reason for end in found} == {gone.sid: "lost", expired.sid: "expired"}
