from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from session_store import Config, Ref, Store, StoreUnavailable, audit, inbox, verbs
from session_store.audit import AuditReader
from session_store.throttle import Throttle
from tests.servers import RedisServer
from tests.session_store.samples import HARRY, HOUR, SALLY, history, new_token, opened, ref_of, server_time, wait_past


def reader_of(store, name="file", *, wait=0.01):
    """Attach a reader that does not wait long."""
    reader = AuditReader(store, name, wait=wait)
    reader.attach()
    return reader


def seen(batches):
    """Return what the batches hold, as sid and action."""
    return [(event.sid, event.action) for batch in batches for event in batch.events]


def many(store, count):
    """Open sessions quickly, so that several entries have the same millisecond, and return their sids."""
    sids = [new_token().sid for _ in range(count)]
    keys = store.keys.shards[0]
    store.run_all([verbs.open_session(keys, sid, SALLY, expires_at=None, age=HOUR, idle=None) for sid in sids])
    return sids


def test_a_new_reader_begins_at_the_oldest_entry(store):
    token = opened(store)
    store.end(ref_of(token), "logout")
    (batch,) = reader_of(store).read()
    assert seen([batch]) == [(token.sid, "start"), (token.sid, "end")]
    assert batch.events[-1].reason == "logout"
    assert batch.last == batch.events[-1].position


def test_where_nothing_is_there_nothing_is_read(store):
    assert reader_of(store).read() == []


def test_what_was_acknowledged_is_not_read_again(store):
    first = opened(store)
    reader = reader_of(store)
    (batch,) = reader.read()
    assert reader.acknowledge(batch)
    assert reader.read() == []
    second = opened(store)
    assert seen(reader.read()) == [(second.sid, "start")] == seen(reader_of(store).read())
    assert first.sid != second.sid


def test_what_was_not_acknowledged_is_read_again_by_the_next_of_that_name(store):
    sids = many(store, 5)
    reader = reader_of(store)
    (batch,) = reader.read(count=2)
    reader.acknowledge(batch)
    reader.read()
    assert [sid for sid, _ in seen(reader_of(store).read())] == sids[2:]


def test_many_entries_of_one_millisecond_are_read_in_batches_each_once(store):
    sids = many(store, 1000)
    reader, found = reader_of(store), []
    while batches := reader.read(count=7):
        assert len(batches[0].events) <= 7
        found += [sid for sid, _ in seen(batches)]
        assert reader.acknowledge(batches[0])
    assert found == sids


def test_what_is_stored_is_cut_off_the_stream_to_the_entry(store, raw):
    many(store, 50)
    reader = reader_of(store)
    (batch,) = reader.read(count=20)
    assert raw.xlen("sso:{0}:audit") == 50
    reader.acknowledge(batch)
    assert raw.xlen("sso:{0}:audit") == 30
    (rest,) = reader.read()
    reader.acknowledge(rest)
    assert raw.xlen("sso:{0}:audit") == 0


def test_the_stream_keeps_what_the_slowest_reader_has_not_stored(store, raw):
    sids = many(store, 30)
    fast, slow = reader_of(store, "fast"), reader_of(store, "slow")
    for reader, count, left in ((fast, 30, 30), (slow, 10, 20), (slow, 5, 15)):
        (batch,) = reader.read(count=count)
        assert reader.acknowledge(batch)
        assert raw.xlen("sso:{0}:audit") == left
    assert [sid for sid, _ in seen(slow.read())] == sids[15:]


def test_of_two_with_the_same_name_only_the_later_can_acknowledge(store, raw):
    many(store, 3)
    earlier = reader_of(store)
    (batch,) = earlier.read()
    later = reader_of(store)
    assert not earlier.acknowledge(batch)
    assert raw.xlen("sso:{0}:audit") == 3
    (again,) = later.read()
    assert later.acknowledge(again)


def test_readers_of_other_names_do_not_disturb_each_other(store):
    opened(store)
    one, other = reader_of(store, "one"), reader_of(store, "other")
    batches = one.read() + other.read()
    assert one.acknowledge(batches[0])
    assert other.acknowledge(batches[1])


@pytest.mark.parametrize("by_hand", ["flushall", "readers", "stream"])
def test_where_redis_lost_its_data_nothing_is_acknowledged(store, raw, by_hand):
    many(store, 3)
    reader = reader_of(store)
    (batch,) = reader.read()
    assert reader.attached()
    if by_hand == "flushall":
        raw.flushall()
    else:
        raw.delete("sso:{0}:readers" if by_hand == "readers" else "sso:{0}:audit")
    assert reader.attached() == (by_hand == "stream")
    assert not reader.acknowledge(batch)


def test_what_redis_has_of_a_reader_is_told_to_the_next_of_that_name(store):
    many(store, 5)
    first = AuditReader(store, "file", wait=0.01)
    (new,) = first.attach()
    (batch,) = first.read(count=3)
    assert (new.position, new.base) == ("0-0", "")
    assert first.acknowledge(batch, base=batch.events[0].id)
    (attachment,) = AuditReader(store, "file").attach()
    assert (attachment.position, attachment.base) == (batch.last, batch.events[0].id)
    assert attachment.last == new.last == history(store)[-1].position


def test_a_base_stays_until_another_is_given(store):
    many(store, 3)
    reader = reader_of(store)
    for count, base in ((1, "one"), (1, ""), (1, "three")):
        (batch,) = reader.read(count=count)
        assert reader.acknowledge(batch, base=base)
        (shown,) = verb_attach(store, "file")
        assert shown == (base or "one")
        reader.attach()
    assert reader.rebase(store.keys.shards[0], "four")
    assert verb_attach(store, "file") == ["four"]


def verb_attach(store, name):
    """Return the base of each shard, as the next reader of that name is told."""
    return [attachment.base for attachment in AuditReader(store, name).attach()]


def test_of_two_with_the_same_name_only_the_later_is_attached_and_can_move_the_base(store):
    opened(store)
    earlier, later = reader_of(store), reader_of(store)
    assert not earlier.attached()
    assert later.attached()
    assert not earlier.rebase(store.keys.shards[0], "base")
    assert later.rebase(store.keys.shards[0], "base")


def test_a_forgotten_reader_no_longer_keeps_the_stream(store, raw):
    many(store, 10)
    gone, reader = reader_of(store, "gone"), reader_of(store)
    (batch,) = reader.read(count=4)
    reader.acknowledge(batch)
    assert raw.xlen("sso:{0}:audit") == 10
    keys = store.keys.shards[0]
    assert store.run(verbs.forget_reader(keys, "gone"))
    assert raw.xlen("sso:{0}:audit") == 6
    assert not store.run(verbs.forget_reader(keys, "gone"))
    assert not gone.attached()
    assert reader.attached()


def test_forgetting_the_last_reader_keeps_the_stream(store, raw):
    many(store, 10)
    reader_of(store)
    assert store.run(verbs.forget_reader(store.keys.shards[0], "file"))
    assert raw.xlen("sso:{0}:audit") == 10


@pytest.mark.parametrize("note", ["garbage", "", "5-0", "5-0 x", "x y z", b"\xff"])
def test_a_broken_note_of_a_reader_makes_it_begin_again(store, raw, note):
    token = opened(store)
    raw.hset("sso:{0}:readers", "file", note)
    reader = reader_of(store)
    (batch,) = reader.read()
    assert seen([batch]) == [(token.sid, "start")]
    assert reader.acknowledge(batch)


def test_a_broken_note_of_another_reader_does_not_keep_the_stream(store, raw):
    many(store, 3)
    raw.hset("sso:{0}:readers", "odd", "garbage")
    reader = reader_of(store)
    (batch,) = reader.read()
    assert reader.acknowledge(batch)
    assert raw.xlen("sso:{0}:audit") == 0


def test_a_broken_entry_is_named_passed_over_and_acknowledged_with_the_rest(store, raw, caplog, monkeypatch):
    monkeypatch.setattr(audit, "_throttle", Throttle(seconds=60))
    first = opened(store)
    broken = raw.xadd("sso:{0}:audit", {"some": "thing"}).decode()
    second = opened(store)
    reader = reader_of(store)
    (batch,) = reader.read()
    assert [sid for sid, _ in seen([batch])] == [first.sid, second.sid]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert f"sso:{{0}}:audit {broken}" in errors[0]
    assert reader.acknowledge(batch)
    assert raw.xlen("sso:{0}:audit") == 0


def test_broken_entries_alone_can_be_acknowledged(store, raw):
    raw.xadd("sso:{0}:audit", {"some": "thing"})
    reader = reader_of(store)
    (batch,) = reader.read()
    assert batch.events == []
    assert reader.acknowledge(batch)
    assert reader.read() == []


def test_many_broken_entries_do_not_fill_the_log(store, raw, caplog, monkeypatch):
    monkeypatch.setattr(audit, "_throttle", Throttle(seconds=60))
    for _ in range(100):
        raw.xadd("sso:{0}:audit", {"some": "thing"})
    reader_of(store).read()
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_a_waiting_reader_gets_an_entry_at_once(store):
    reader = reader_of(store, wait=5)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.read)
        token = opened(store)
        began = time.monotonic()
        assert seen(waiting.result(timeout=5)) == [(token.sid, "start")]
    assert time.monotonic() - began < 1


def test_a_reader_waits_longer_than_the_timeout_of_other_commands(redis_server, store):
    hasty = Store(Config(redis_url=redis_server.url, redis_timeout=0.3))
    began = time.monotonic()
    assert reader_of(hasty, wait=0.6).read() == []
    assert 0.55 < time.monotonic() - began < 2


def test_a_reader_that_shall_not_wait_does_not(redis_server, store):
    hasty = Store(Config(redis_url=redis_server.url, redis_timeout=0.2))
    assert reader_of(hasty, wait=0).read() == []


def test_all_shards_are_read_and_acknowledged_each_by_itself(redis_server, store, raw):
    wide = Store(Config(redis_url=redis_server.url, redis_shards=3))
    tokens = [new_token(0), new_token(2), new_token(2)]
    for token in tokens:
        wide.open(token, HARRY, age=HOUR)
    reader = reader_of(wide)
    batches = {batch.keys.number: batch for batch in reader.read()}
    assert {number: [sid for sid, _ in seen([batch])] for number, batch in batches.items()} == {
        0: [tokens[0].sid],
        2: [tokens[1].sid, tokens[2].sid],
    }
    assert reader.acknowledge(batches[2])
    assert [raw.xlen(keys.audit) for keys in wide.keys.shards] == [1, 0, 0]
    assert [batch.keys.number for batch in reader.read()] == [0]


@pytest.mark.parametrize("place", ["readers", "audit"])
def test_a_key_of_the_wrong_type_makes_the_store_unavailable(store, raw, place):
    raw.set(f"sso:{{0}}:{place}", "x")
    with pytest.raises(StoreUnavailable):
        reader_of(store).read()


def test_a_server_that_went_away_makes_the_store_unavailable_and_one_that_came_back_is_read_on(raw):
    with RedisServer(appendonly=True, appendfsync="always") as server:
        store = Store(Config(redis_url=server.url))
        sids = many(store, 4)
        reader = reader_of(store)
        (batch,) = reader.read(count=3)
        server.kill()
        with pytest.raises(StoreUnavailable):
            reader.read()
        with pytest.raises(StoreUnavailable):
            reader.acknowledge(batch)
        server.start()
        assert reader.acknowledge(batch)
        assert [sid for sid, _ in seen(reader.read())] == sids[3:]


def test_at_maxmemory_readers_still_attach_and_acknowledge_so_that_the_stream_is_trimmed(store, raw):
    reader = reader_of(store)
    token = opened(store)
    raw.config_set("maxmemory", 1)
    try:
        assert reader.acknowledge(reader.read()[0], base=f"{token.sid}-start")
        assert raw.xlen(store.keys.shards[0].audit) == 0
        after = AuditReader(store, "file")
        assert after.attach()[0].base == f"{token.sid}-start"
        assert after.rebase(store.keys.shards[0], f"{token.sid}-end")
    finally:
        raw.config_set("maxmemory", 0)


def test_a_reader_keeps_its_one_connection_however_often_nothing_comes(store, raw, monkeypatch):
    monkeypatch.setattr(inbox, "BLOCK", 0.02)
    reader = reader_of(store, wait=0.05)
    before = raw.info("stats")["total_connections_received"]
    for _ in range(5):
        assert reader.read() == []
    opened(store)
    assert len(seen(reader.read())) == 1
    assert raw.info("stats")["total_connections_received"] - before <= 1
    reader.close()


def test_what_comes_while_entries_are_stored_has_been_asked_for_already(store, raw):
    first, reader = opened(store), reader_of(store, wait=5)
    (batch,) = reader.read()
    second = opened(store)
    assert reader.acknowledge(batch)
    before = raw.info("commandstats")["cmdstat_xread"]["calls"]
    assert seen(reader.read()) == [(second.sid, "start")] != [(first.sid, "start")]
    assert raw.info("commandstats")["cmdstat_xread"]["calls"] - before <= 1
    reader.close()


def test_what_was_not_acknowledged_is_read_again_by_the_same_reader_too(store):
    token, reader = opened(store), reader_of(store)
    assert seen(reader.read()) == seen(reader.read()) == [(token.sid, "start")]


def test_pieces_of_what_was_read_together_take_one_question(store, raw):
    refs = [Ref(0, sid, SALLY.user_id) for sid in many(store, 500)]
    store.redis.delete(store.keys.shards[0].audit)
    store.end_all(refs, "logout")
    reader, found = reader_of(store, wait=0), []
    raw.config_resetstat()
    for _ in range(10):
        (batch,) = reader.read(count=50)
        found += [event.sid for event in batch.events]
        assert reader.acknowledge(batch)
    assert found == [ref.sid for ref in refs]
    assert raw.info("commandstats")["cmdstat_xread"]["calls"] == 2  # for what there was, and ahead for what follows


def test_where_nobody_acknowledged_a_piece_the_next_one_is_not_given(store):
    refs = [Ref(0, sid, SALLY.user_id) for sid in many(store, 150)]
    store.redis.delete(store.keys.shards[0].audit)
    store.end_all(refs, "logout")
    reader, sids = reader_of(store), [ref.sid for ref in refs]
    (first,) = reader.read(count=50)
    assert [event.sid for event in first.events] == sids[:50]
    (again,) = reader.read(count=50)
    assert again == first
    assert reader.acknowledge(again)
    (second,) = reader.read(count=50)
    assert [event.sid for event in second.events] == sids[50:100]
    reader.attach()
    (anew,) = reader.read(count=50)
    assert anew == second


@pytest.mark.parametrize("wait", [0, 0.5])
def test_what_comes_long_after_redis_was_asked_is_read_at_once(store, monkeypatch, wait):
    monkeypatch.setattr(inbox, "BLOCK", 0.02)
    opened(store)
    reader = reader_of(store, wait=wait)
    (batch,) = reader.read()
    assert reader.acknowledge(batch)
    wait_past(store, server_time(store) + 100)
    token = opened(store)
    assert seen(reader.read()) == [(token.sid, "start")]
    reader.close()


def test_a_redis_that_says_nothing_at_all_is_unavailable(store, monkeypatch):
    monkeypatch.setattr(inbox, "BLOCK", 0.02)
    with RedisServer() as server:
        hung = Store(Config(redis_url=server.url, redis_timeout=0.1))
        reader = reader_of(hung)
        assert reader.read() == []
        server.pause()
        with pytest.raises(StoreUnavailable):
            list(iter(reader.read, None))
        server.resume()
