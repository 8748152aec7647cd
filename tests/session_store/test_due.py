from __future__ import annotations

import pytest

from session_store import Config, Store, verbs
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


def test_where_nothing_is_open_nothing_is_due(store):
    due = store.due(store.keys.shards[0])
    assert (due.refs, due.left) == ([], None)
    assert due.now == pytest.approx(server_time(store), abs=1000)


def test_what_is_due_comes_oldest_first_with_its_user(store):
    tokens = [over(store, SALLY), over(store, HARRY), over(store, SALLY)]
    opened(store)
    due = store.due(store.keys.shards[0])
    assert due.refs == [ref_of(token, who) for token, who in zip(tokens, (SALLY, HARRY, SALLY), strict=True)]
    store.end_due(store.keys.shards[0])


def test_at_most_as_many_as_asked_for_come_oldest_first(store):
    tokens = [over(store) for _ in range(5)]
    assert [ref.sid for ref in store.due(store.keys.shards[0], limit=2).refs] == [token.sid for token in tokens[:2]]
    assert len(store.end_due(store.keys.shards[0], limit=3)[1]) == 3
    assert [ref.sid for ref in store.due(store.keys.shards[0]).refs] == [token.sid for token in tokens[3:]]
    store.end_due(store.keys.shards[0])


def test_those_that_are_being_ended_are_passed_over(store):
    tokens, keys = [over(store) for _ in range(5)], store.keys.shards[0]
    found = [store.run(verbs.due(keys, 2, worker="", over=passed)).refs for passed in (2, 4, 5)]
    assert [[ref.sid for ref in refs] for refs in found] == [
        [token.sid for token in tokens[2:4]],
        [token.sid for token in tokens[4:]],
        [],
    ]
    store.end_due(keys)


def test_the_next_deadline_is_told(store):
    later, sooner = new_token(), new_token()
    store.open(later, SALLY, age=2 * HOUR)
    expires = store.open(sooner, SALLY, age=HOUR).expires
    over(store)
    due = store.due(store.keys.shards[0])
    assert due.now + due.left == expires
    store.end_due(store.keys.shards[0])


def test_looking_for_what_is_due_changes_nothing(store):
    over(store)
    opened(store)
    before = contents(store)
    store.due(store.keys.shards[0])
    assert contents(store) == before
    store.end_due(store.keys.shards[0])


def test_a_session_is_due_from_its_deadline_on_and_not_before(store):
    token = new_token()
    expires = store.open(token, SALLY, age=40).expires
    while True:
        due, ended = store.end_due(store.keys.shards[0])
        if ended:
            break
        assert due.now < expires
    assert due.now >= expires
    assert [(end.ref.sid, end.reason) for end in ended] == [(token.sid, "expired")]
    assert history(store)[-1].at == expires


def test_what_is_due_ends_for_the_deadline_that_came_first(store):
    expired, idle, live = over(store), over(store, age=HOUR, idle=1), opened(store)
    _, ended = store.end_due(store.keys.shards[0])
    assert {end.ref.sid: end.reason for end in ended} == {expired.sid: "expired", idle.sid: "idle"} == ends(store)
    assert store.read(live) is not None


def test_a_live_key_behind_a_stale_score_is_mended_and_not_ended(store, raw):
    token, keys = opened(store, age=HOUR, idle=MINUTE), store.keys.shards[0]
    raw.zadd(keys.sessions, {token.sid: 1})
    due, ended = store.end_due(keys)
    assert ([ref.sid for ref in due.refs], ended) == ([token.sid], [])
    assert raw.zscore(keys.sessions, token.sid) == pytest.approx(raw.pexpiretime(keys.session(token.sid)), abs=2)
    assert store.due(keys).refs == []


def test_a_ttl_lengthened_by_hand_holds_till_the_absolute_expiry_and_no_longer(store, raw):
    token, keys = opened(store, age=800, idle=400), store.keys.shards[0]
    session = store.read(token)
    assert raw.pexpire(keys.session(token.sid), HOUR)
    wait_past(store, session.deadline)
    assert store.end_due(keys)[1] == [] or server_time(store) >= session.record.expires
    wait_past(store, session.record.expires)
    store.end_due(keys)
    assert ends(store) == {token.sid: "expired"}
    assert history(store)[-1].at == session.record.expires
    assert not raw.exists(keys.session(token.sid))


@pytest.mark.parametrize(("idle", "reason"), [(None, "expired"), (400, "idle")])
def test_a_removed_ttl_does_not_keep_a_session_past_its_deadline(store, raw, idle, reason):
    token, keys = opened(store, age=HOUR if idle else 400, idle=idle), store.keys.shards[0]
    deadline = int(raw.zscore(keys.sessions, token.sid))
    assert raw.persist(keys.session(token.sid))
    wait_past(store, deadline)
    assert [end.reason for end in store.end_due(keys)[1]] == [reason]
    assert history(store)[-1].at == deadline
    assert not raw.exists(keys.session(token.sid))


def test_an_entry_without_record_ends_once_and_blocks_nothing(store, raw):
    keys, sound = store.keys.shards[0], over(store)
    raw.zadd(keys.sessions, {"a" * 22: 1})
    _, ended = store.end_due(keys)
    assert {end.ref.sid for end in ended} == {"a" * 22, sound.sid}
    assert store.due(keys).refs == []
    assert ends(store)["a" * 22] == "expired"


def test_all_ends_of_a_batch_are_told(store):
    keys, expires = store.keys.shards[0], server_time(store) + 1500
    calls = [
        verbs.open_session(keys, new_token().sid, SALLY, expires_at=expires, age=None, idle=None)
        for _ in range(verbs.BATCH + 20)
    ]
    store.run_all(calls)
    wait_past(store, expires)
    assert [len(store.end_due(keys)[1]) for _ in range(3)] == [verbs.BATCH, 20, 0]
    assert len(ends(store)) == verbs.BATCH + 20


def test_each_shard_is_due_by_itself(redis_server, store):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=2))
    token = new_token(1)
    expires = wide.open(token, SALLY, age=1).expires
    wait_past(wide, expires)
    assert wide.end_due(wide.keys.shards[0])[1] == []
    assert [end.ref for end in wide.end_due(wide.keys.shards[1])[1]] == [ref_of(token, SALLY)]


def test_of_several_workers_one_comes_first_and_the_others_a_while_later(store, raw, monkeypatch):
    monkeypatch.setattr(verbs, "SECOND", 500)
    token, keys = over(store), store.keys.shards[0]
    opened(store)
    assert [ref.sid for ref in store.due(keys, worker="one").refs] == [token.sid]
    second = store.due(keys, worker="two")
    assert second.refs == []
    assert 0 < second.left <= verbs.SECOND
    assert 0 < second.others <= verbs.LEASE
    assert store.due(keys, worker="one").others == store.due(keys).others == 0
    assert [ref.sid for ref in store.due(keys, worker="one").refs] == [token.sid]
    assert [ref.sid for ref in store.due(keys).refs] == [token.sid]
    wait_past(store, store.due(keys).now + second.left)
    due, ended = store.end_due(keys, worker="two")
    assert [end.ref.sid for end in ended] == [ref.sid for ref in due.refs] == [token.sid]


def test_a_worker_that_asks_no_more_loses_its_place(store, raw):
    token, keys = over(store), store.keys.shards[0]
    store.due(keys, worker="one")
    lease = raw.pttl(keys.lease)
    assert 0 < lease <= verbs.LEASE
    raw.pexpire(keys.lease, 1)
    wait_past(store, server_time(store) + 1)
    assert [ref.sid for ref in store.due(keys, worker="two").refs] == [token.sid]
    assert store.due(keys, worker="one").refs == []
    store.end_due(keys)


def test_a_worker_that_goes_on_asking_keeps_its_place(store, raw):
    keys = store.keys.shards[0]
    store.due(keys, worker="one")
    raw.pexpire(keys.lease, verbs.LEASE // 3)
    store.due(keys, worker="two")
    assert raw.pttl(keys.lease) <= verbs.LEASE // 3
    store.due(keys, worker="one")
    assert raw.pttl(keys.lease) > verbs.LEASE // 2


def test_shards_that_share_a_lease_have_the_same_worker_come_first(redis_server, raw):
    store = Store(Config(redis_url=redis_server.url, redis_shards=2))
    first, second = store.keys.shards
    assert store.run(verbs.due(first, 1, worker="one", lease=first.lease)).others == 0
    assert store.run(verbs.due(second, 1, worker="two", lease=first.lease)).others > 0
    assert not raw.exists(second.lease)
