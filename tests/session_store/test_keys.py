from __future__ import annotations

import fnmatch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from session_store.keys import Keys, OnlineKeys, ShardKeys, escape_glob
from tests.servers import RedisServer

SID = "abcdefghijklmnopqrst_-"

prefixes = st.text(st.characters(exclude_characters="{} ", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
hostile_prefixes = st.text(st.sampled_from("a*?[]^-\\:b"), min_size=1, max_size=6)
sids = st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True)


@pytest.mark.parametrize(
    ("built", "spelling"),
    [
        (lambda keys: keys.session(SID), f"sso:{{0}}:session:{SID}"),
        (lambda keys: keys.sessions, "sso:{0}:sessions"),
        (lambda keys: keys.records, "sso:{0}:records"),
        (lambda keys: keys.users("42"), "sso:{0}:users:3209"),
        (lambda keys: keys.ended, "sso:{0}:ended"),
        (lambda keys: keys.audit, "sso:{0}:audit"),
        (lambda keys: keys.readers, "sso:{0}:readers"),
        (lambda keys: keys.canary, "sso:{0}:canary"),
        (lambda keys: keys.lease, "sso:{0}:lease"),
        (lambda keys: keys.workers, "sso:{0}:workers"),
        (lambda keys: keys.job("table"), "sso:{0}:job:table"),
        (lambda keys: keys.session_pattern, "sso:{0}:session:*"),
        (lambda keys: keys.users_pattern, "sso:{0}:users:*"),
    ],
)
def test_each_key_is_spelt_as_agreed(built, spelling):
    assert built(ShardKeys("sso", 0)) == spelling


@pytest.mark.parametrize(
    ("built", "spelling"),
    [
        (lambda keys: keys.members, "sso:{online}:members"),
        (lambda keys: keys.hidden, "sso:{online}:hidden"),
        (lambda keys: keys.hiding, "sso:{online}:hiding"),
        (lambda keys: keys.names, "sso:{online}:names"),
        (lambda keys: keys.left, "sso:{online}:left"),
        (lambda keys: keys.state, "sso:{online}:state"),
        (lambda keys: keys.history, "sso:{online}:history"),
        (lambda keys: keys.guests.seen, "sso:{online}:guests"),
        (lambda keys: keys.guests.full, "sso:{online}:guests:full"),
        (lambda keys: keys.guests.rings[3][11], "sso:{online}:guests:slice:3-11"),
        (lambda keys: keys.guests.ring_of("sally")[0], "sso:{online}:guests:slice:3-0"),
        (lambda keys: keys.bots.seen, "sso:{online}:bots"),
    ],
)
def test_each_key_of_who_is_online_is_spelt_as_agreed(built, spelling):
    assert built(OnlineKeys("sso")) == spelling
    assert Keys("sso", 3).parse_session(spelling) is None


def test_the_patterns_over_all_shards_are_spelt_as_agreed():
    assert Keys("sso", 3).session_pattern == "sso:*:session:*"
    assert Keys("s?o", 3).canary_pattern == "s\\?o:*:canary"


def test_every_shard_has_its_number_as_hash_tag():
    assert [keys.sessions for keys in Keys("wiki", 3).shards] == [f"wiki:{{{n}}}:sessions" for n in range(3)]


def test_a_user_is_in_the_same_shard_in_every_process():
    keys = Keys("sso", 16)
    assert [keys.of_user(user).number for user in ("1", "2", "sally", "zoë")] == [7, 13, 3, 4]


@given(user=st.text(st.characters(exclude_categories=["Cs"])), shards=st.integers(1, 50))
def test_any_user_has_a_shard(user, shards):
    keys = Keys("sso", shards)
    assert keys.of_user(user) in keys.shards


@given(number=st.integers(-10, 10_020))
def test_any_shard_that_a_token_can_name_has_keys(number):
    keys = Keys("sso", 5)
    found = keys.of_shard(number)
    assert found.number == number if 0 <= number < 10_000 else found is None
    assert len(keys.shards) == 5


@given(
    user=st.text(st.characters(exclude_categories=["Cs"])),
    notes=st.dictionaries(st.integers(-3, 40), st.integers(0, 2)),
    now=st.integers(1, 40),
)
def test_a_user_s_sessions_are_looked_for_wherever_they_were_ever_opened(user, notes, now):
    keys = Keys("sso", now)
    keys.learn(dict.fromkeys(range(-3, 41), 1))
    keys.learn(dict.fromkeys(range(-3, 41), 0) | notes)
    keys.learn({})
    known = {1, now, *(layout for layout, at in notes.items() if layout > 0 and at)}
    assert len(keys.shards) == max(known)
    assert {shard.number for shard in keys.homes(user)} == {Keys("sso", each).of_user(user).number for each in known}
    assert keys.homes(user)[0] is keys.of_user(user)
    assert all(shard in keys.shards for shard in keys.homes(user))


@given(prefix=prefixes | hostile_prefixes, shard=st.integers(0, 11), sid=sids)
def test_a_session_key_is_parsed_into_what_it_was_built_of(prefix, shard, sid):
    keys = Keys(prefix, 12)
    found = keys.parse_session(keys.shards[shard].session(sid))
    assert found is not None
    assert (found[0].number, found[1]) == (shard, sid)


nearly = st.builds("".join, st.tuples(
    st.sampled_from(["sso", "sSo", "xsso", "s.o", ""]),
    st.sampled_from([":{0}:", ":{1}:", ":{00}:", ":{\u0660}:", ":{2}:", ":{-1}:", ":{}:", ":{99999999999}:", ":0:"]),
    st.sampled_from(["session:", "sessions:", "Session:", "user:", "session"]),
    st.sampled_from([SID, SID[1:], SID + "a", SID[1:] + "\n", SID[1:] + "ä", SID[1:] + "="]),
    st.sampled_from(["", "\n", "\0", ":"]),
))  # fmt: skip


@given(key=nearly | st.text())
@example(key=f"sso:{{00}}:session:{SID}")
def test_what_is_parsed_as_a_session_key_is_spelt_as_one(key):
    found = Keys("sso", 2).parse_session(key)
    assert found is None or found[0].session(found[1]) == key


@given(prefix=prefixes | hostile_prefixes, other=prefixes | hostile_prefixes)
def test_another_sites_keys_are_not_ours(prefix, other):
    found = Keys(prefix).parse_session(ShardKeys(other, 0).session(SID))
    assert (found is not None) == (prefix == other)


@given(text=hostile_prefixes, other=hostile_prefixes)
def test_an_escaped_pattern_matches_its_own_text_and_no_other(redis_server: RedisServer, text, other):
    with redis_server.client() as raw:
        raw.flushall()
        raw.mset({text: 1, other: 1})
        assert raw.keys(escape_glob(text)) == [text.encode()]


@pytest.mark.parametrize(("prefix", "other"), [("a?b", "aXb"), ("a*", "ab"), ("[ab]", "a"), ("a\\?", "a?"), ("^", "a")])
def test_the_patterns_of_a_prefix_with_glob_characters_find_its_own_keys_only(raw, prefix, other):
    keys, others = Keys(prefix).shards[0], Keys(other).shards[0]
    for each in (keys, others):
        raw.mset({each.session(SID): 1, each.users("1"): 1, each.sessions: 1})
    assert raw.keys(keys.session_pattern) == raw.keys(Keys(prefix).session_pattern) == [keys.session(SID).encode()]
    assert raw.keys(keys.users_pattern) == [keys.users("1").encode()]


def test_no_key_but_a_session_matches_the_session_pattern():
    keys = ShardKeys("sso", 0)
    others = [keys.sessions, keys.records, keys.users("1"), keys.ended, keys.audit, keys.readers, keys.canary]
    assert not [key for key in others if fnmatch.fnmatchcase(key, keys.session_pattern)]
