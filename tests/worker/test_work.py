"""The worker as a whole, as a process on a real Redis."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from datetime import datetime

import pytest

from session_store import Config, Store
from tests.servers import RedisServer, free_port
from tests.session_store.samples import ends
from tests.wait import wait_until

from .conftest import HOUR, open_on
from .processes import WorkerProcess


def key_of(store, ref):
    return store.keys.shards[ref.shard].session(ref.sid)


def ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def test_a_session_that_runs_out_is_in_the_audit_log_and_gone_from_redis(start_worker, open_session, store):
    worker = start_worker()
    ref = open_session(age=300)
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")
    assert store.count() == 0
    assert not store.redis.hexists(store.keys.shards[0].records, ref.sid)
    assert not store.redis.exists(store.keys.shards[0].users("1"))


def test_the_audit_log_has_who_when_and_why(start_worker, open_session):
    worker = start_worker()
    ref = open_session(age=200)
    wait_until(lambda: len(worker.events) == 2, "start and end in the audit log")
    started, ended = worker.events
    assert started["event"]["action"] == "session-started"
    assert ended["event"]["id"] == f"{ref.sid}-end"
    assert ended["event"]["reason"] == "expired"
    assert ended["user"] == {"id": "1", "name": "user 1"}
    assert ended["source"] == {"ip": "192.0.2.7"}
    assert ms(ended["event"]["end"]) - ms(started["event"]["start"]) == pytest.approx(200, abs=1)
    assert ended["event"]["duration"] == pytest.approx(200_000_000, abs=1_000_000)
    assert ms(ended["@timestamp"]) >= ms(ended["event"]["end"]) - 1


def test_an_idle_session_ends_as_idle(start_worker, open_session):
    worker = start_worker()
    ref = open_session(age=HOUR, idle=200)
    wait_until(lambda: worker.ends.get(ref.sid) == "idle", "the end in the audit log")


def test_a_logout_is_in_the_audit_log_once(start_worker, open_session, store):
    worker = start_worker()
    ref = open_session()
    assert store.end(ref, "logout") == "logout"
    assert store.end(ref, "logout") is None
    wait_until(lambda: worker.ends.get(ref.sid) == "logout", "the end in the audit log")


def test_many_sessions_that_end_at_once_end_once_each(start_worker, open_session):
    worker = start_worker()
    refs = [open_session(user_id=str(i % 7), age=700 + i % 3) for i in range(1500)]
    wait_until(lambda: len(worker.ends) == 1500, "1,500 ends", 20)
    assert set(worker.ends) == {ref.sid for ref in refs}
    assert set(worker.ends.values()) == {"expired"}


def test_events_alone_an_end_is_audited_within_100_ms_of_its_event(start_worker, open_session, store):
    worker = start_worker("--only", "events")
    worker.wait_for_log("listening")
    refs = [open_session(age=300) for _ in range(20)]
    delays = []
    with store.redis.pubsub() as pubsub:
        pubsub.psubscribe("__keyspace@0__:sso:*:session:*")
        for _ in refs:
            heard = wait_until(lambda: pubsub.get_message(ignore_subscribe_messages=True, timeout=0.05), "an event")
            start = time.monotonic()
            assert heard["data"] == b"expired"
            sid = heard["channel"].decode().rsplit(":", 1)[1]
            wait_until(lambda sid=sid: sid in worker.ends, "the end in the audit log")
            delays.append(time.monotonic() - start)
    assert worker.ends == {ref.sid: "expired" for ref in refs}
    # The median: a disk that others use too takes longer over one fsync or another.
    assert sorted(delays)[len(delays) // 2] < 0.1


def test_events_alone_an_eviction_ends_as_evicted(start_worker, tmp_path):
    with RedisServer(maxmemory="6mb", maxmemory_policy="volatile-random") as server:
        worker = start_worker("--only", "events", url=server.url)
        worker.wait_for_log("listening")
        store = Store(Config(redis_url=server.url))
        refs = {open_on(store).sid for _ in range(200)}
        filler = b"x" * 10_000
        for i in range(2000):
            if store.redis.info("stats")["evicted_keys"] > 20:
                break
            store.redis.set(f"other {i}", filler, ex=3600)

        def gone() -> set[str]:
            return {sid for sid in refs if not store.redis.exists(store.keys.shards[0].session(sid))}

        assert gone()
        # Redis goes on evicting as the worker writes.
        wait_until(lambda: set(worker.ends) == gone(), "the evicted sessions in the audit log")
        assert set(worker.ends.values()) == {"evicted"}


def test_events_alone_a_deletion_ends_as_deleted_where_others_have_generic_events_on(start_worker, open_session, store):
    store.redis.config_set("notify-keyspace-events", "Kg")
    worker = start_worker("--only", "events")
    worker.wait_for_log("listening")
    ref = open_session()
    store.redis.delete(key_of(store, ref))
    wait_until(lambda: worker.ends.get(ref.sid) == "deleted", "the end in the audit log")


@pytest.mark.unguarded
def test_deadlines_alone_end_sessions_in_time_though_no_event_comes(start_worker, open_session, store):
    worker = start_worker("--only", "deadlines", WIKI_SET_FLAGS="no")
    worker.wait_for_log("writing")
    refs = [open_session(age=400 + 10 * i) for i in range(10)]
    wait_until(lambda: len(worker.ends) == len(refs), "the ends in the audit log")
    assert store.redis.config_get("notify-keyspace-events")["notify-keyspace-events"] == ""
    assert set(worker.ends.values()) == {"expired"}
    late = [
        ms(e["@timestamp"]) - ms(e["event"]["end"]) for e in worker.events if e["event"]["action"] == "session-ended"
    ]
    assert sorted(late)[len(late) // 2] < 200, "asking now and then alone is later than that"


def test_reconciling_alone_finds_what_has_gone(start_worker, open_session, store):
    deleted, expired, live = open_session(), open_session(age=30), open_session()
    store.redis.delete(key_of(store, deleted))
    wait_until(lambda: not store.redis.exists(key_of(store, expired)), "the expiry")
    worker = start_worker("--only", "reconcile", WIKI_SET_FLAGS="no")
    wait_until(lambda: len(worker.ends) == 2, "the ends in the audit log")
    assert worker.ends == {deleted.sid: "lost", expired.sid: "expired"}
    assert store.redis.exists(key_of(store, live))


def test_reconciling_alone_gives_a_key_its_ttl_and_its_place_back(start_worker, open_session, store):
    bare, unlisted = open_session(), open_session()
    store.redis.persist(key_of(store, bare))
    store.redis.zrem(store.keys.shards[0].sessions, unlisted.sid)
    start_worker("--only", "reconcile", WIKI_SET_FLAGS="no")
    wait_until(lambda: store.redis.pttl(key_of(store, bare)) > 0, "the TTL")
    wait_until(lambda: store.redis.zscore(store.keys.shards[0].sessions, unlisted.sid), "the place in the sorted set")


@pytest.mark.unguarded
def test_flags_that_others_have_set_are_kept(start_worker, store):
    store.redis.config_set("notify-keyspace-events", "Elg")
    worker = start_worker()
    worker.wait_for_log("listening")
    flags = set(store.redis.config_get("notify-keyspace-events")["notify-keyspace-events"])
    assert flags == set("EKlgxe")


@pytest.mark.unguarded
def test_where_it_may_not_set_flags_it_says_what_to_set_and_works(start_worker, open_session, store):
    worker = start_worker(WIKI_SET_FLAGS="no")
    worker.wait_for_log("CONFIG SET notify-keyspace-events Kxe")
    ref = open_session(age=200)
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")
    assert store.redis.config_get("notify-keyspace-events")["notify-keyspace-events"] == ""


@pytest.mark.unguarded
def test_a_database_other_than_0_and_a_prefix_of_its_own(start_worker, redis_server, raw):
    url = redis_server.url_of(5)
    worker = start_worker("--only", "events", url=url, WIKI_REDIS_PREFIX="club*?[x]", WIKI_REDIS_SHARDS="3")
    worker.wait_for_log("listening")
    store = Store(Config(redis_url=url, redis_prefix="club*?[x]", redis_shards=3))
    refs = [open_on(store, str(i), 200) for i in range(9)]
    assert len({ref.shard for ref in refs}) == 3
    wait_until(lambda: len(worker.ends) == 9, "the ends in the audit log")


def test_a_redis_that_is_missing_at_start_is_waited_for(start_worker, tmp_path):
    with RedisServer() as server:
        server.stop()
        worker = start_worker(url=server.url)
        worker.wait_for_log("the worker waits: Redis at 127.0.0.1")
        server.start()
        store = Store(Config(redis_url=server.url))
        ref = open_on(store, age=200)
        wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")
        assert worker.log.count(" waits: ") == 1


def test_what_ended_while_redis_was_restarted_is_found(start_worker, tmp_path):
    with RedisServer(appendonly=True, appendfsync="always") as server:
        worker = start_worker(url=server.url)
        worker.wait_for_log("listening")
        store = Store(Config(redis_url=server.url))
        short, long = open_on(store, age=400), open_on(store)
        server.kill()
        server.start()
        wait_until(lambda: worker.ends == {short.sid: "expired"}, "the end in the audit log")
        worker.wait_for_log("listening", 2)
        assert server.client().config_get("notify-keyspace-events")["notify-keyspace-events"]
        store.redis.delete(key_of(store, long))


def test_ends_while_no_worker_ran_are_written_by_the_next_one_with_their_true_time(start_worker, open_session, store):
    ref = open_session(age=30)
    wait_until(lambda: not store.redis.exists(key_of(store, ref)), "the expiry")
    # The record outlives the key until somebody ends the session.
    expires = json.loads(store.redis.hget(store.keys.shards[0].records, ref.sid))["expires"]
    worker = start_worker()
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")
    assert ms(worker.events[-1]["event"]["end"]) == expires


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean(start_worker, open_session, number):
    worker = start_worker()
    worker.wait_for_log("listening")
    worker.signal(number)
    assert worker.wait() == 0
    assert "stopping: finishing what is in hand" in worker.log
    assert worker.log.rstrip().endswith("stopped")


def test_a_stop_is_clean_while_redis_is_away(start_worker):
    worker = start_worker(url=f"redis://127.0.0.1:{free_port()}/0")
    worker.wait_for_log("waits")
    assert worker.stop() == 0


def test_a_restart_repeats_nothing_and_loses_nothing(start_worker, open_session, store):
    worker = start_worker()
    first = open_session(age=100)
    wait_until(lambda: first.sid in worker.ends, "the first end")
    assert worker.stop() == 0
    second = open_session(age=50)
    worker.start()
    wait_until(lambda: second.sid in worker.ends, "the second end")
    assert [event["event"]["action"] for event in worker.events] == ["session-started", "session-ended"] * 2


def test_two_workers_on_one_redis_end_nothing_twice(redis_server, store, open_session, tmp_path):
    directories = [tmp_path / "a", tmp_path / "b"]
    for directory in directories:
        directory.mkdir()
    with WorkerProcess(directories[0], redis_server.url) as a, WorkerProcess(directories[1], redis_server.url) as b:
        a.wait_for_log("listening")
        b.wait_for_log("listening")
        refs = [open_session(age=300) for _ in range(300)]
        wait_until(lambda: store.count() == 0, "the ends")
        ends(store)  # none twice
        assert set(a.ends) | set(b.ends) <= {ref.sid for ref in refs}


@pytest.mark.leaves_mess
def test_garbage_stops_nothing(start_worker, open_session, store):
    keys = store.keys.shards[0]
    store.redis.zadd(keys.sessions, {"no sid": 1, "x" * 22: 2, b"\xff\xfe": 3})
    store.redis.hset(keys.records, "y" * 22, "{nonsense")
    store.redis.xadd(keys.audit, {"what": "ever"})
    store.redis.xadd(keys.audit, {"v": "1", "action": "end", "sid": "z" * 22, "at": "5", "reason": "Boredom!"})
    worker = start_worker()
    ref = open_session(age=200)
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")
    assert store.redis.zcard(keys.sessions) == 0
    assert "was no session id" in worker.log
    assert "it is passed over" in worker.log
    assert "Traceback" not in worker.log


@pytest.mark.leaves_mess
def test_a_key_of_the_wrong_type_is_named_and_waited_for(start_worker, store, open_session):
    keys = store.keys.shards[0]
    store.redis.lpush(keys.records, "not", "a", "hash")
    store.redis.zadd(keys.sessions, {"x" * 22: 1})
    worker = start_worker()
    worker.wait_for_log("WRONGTYPE")
    assert "Traceback" not in worker.log
    store.redis.delete(keys.records)
    ref = open_session(age=100)
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")


def test_an_audit_log_that_cant_be_written_to_keeps_events_in_redis(start_worker, open_session, store, tmp_path):
    blocked = tmp_path / "audit.jsonl"
    blocked.mkdir()
    worker = start_worker()
    worker.wait_for_log("events wait in Redis")
    ref = open_session(age=50)
    wait_until(lambda: store.count() == 0, "the end")
    assert store.redis.xlen(store.keys.shards[0].audit) == 2
    blocked.rmdir()
    wait_until(lambda: worker.ends.get(ref.sid) == "expired", "the end in the audit log")


def test_a_session_that_ends_soon_after_it_began_ends_on_time(start_worker, open_session):
    worker = start_worker("--only", "deadlines", WIKI_SET_FLAGS="no")
    open_session()
    wait_until(lambda: worker.events, "the worker to follow the stream")
    refs = [open_session(age=150 + number) for number in range(5)]
    wait_until(lambda: len(worker.ends) == len(refs), "the ends")
    late = [ms(e["@timestamp"]) - ms(e["event"]["end"]) for e in worker.events if e["event"]["type"] == ["end"]]
    assert sorted(late)[2] < 300, "asking now and then alone is later than that"


def test_users_that_are_spread_over_more_shards_meanwhile_are_looked_after_too(start_worker, store):
    worker = start_worker("--only", "deadlines", WIKI_SET_FLAGS="no")
    worker.wait_for_log("writing")
    wide = Store(replace(store.config, redis_shards=4))
    refs = [open_on(wide, str(number), 300) for number in range(12)]
    assert len({ref.shard for ref in refs}) == 4
    worker.wait_for_log("sessions are in 4 shards by now")
    wait_until(lambda: len(worker.ends) == len(refs), "the ends in all shards", 15)
    assert set(worker.ends.values()) == {"expired"}
    assert worker.log.count("; audit log ") == 1
    assert worker.stop() == 0


def test_a_worker_that_starts_finds_every_shard_that_is_in_use(start_worker, store):
    wide = Store(replace(store.config, redis_shards=3))
    refs = [open_on(wide, str(number), 1500) for number in range(9)]
    worker = start_worker()
    wait_until(lambda: len(worker.ends) == len(refs), "the ends in all shards")
    assert "beginning anew" not in worker.log
