"""``wiki-worker status`` and ``audit forget``."""

from __future__ import annotations

import json
import socket

import pytest

from session_store import verbs
from session_store.audit import AuditReader
from session_store.events import timestamp
from session_store.status import read_status
from tests.servers import free_port
from tests.wait import wait_until

from .lines import sid
from .processes import WorkerProcess, run_command


def reader(store, name: str, *, stored: int = 0) -> AuditReader:
    """A reader that has stored so many entries."""
    found = AuditReader(store, name, wait=10)
    found.attach()
    for batch in found.read(count=stored) if stored else []:
        assert found.acknowledge(batch)
    return found


def status_of(url: str) -> dict:
    done = run_command(url, "status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_of_an_empty_redis_it_says_that_there_is_nothing_and_nobody(redis_server, raw):
    done = run_command(redis_server.url, "status")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "live sessions   0",
        "next deadline   none",
        "audit reader    none: nobody stores what ends",
        "worker          none has been heard of",
    ]
    assert status_of(redis_server.url) == {"live": 0, "next": None, "readers": [], "workers": [], "away": []}


def test_it_counts_sessions_and_says_when_the_next_one_ends(redis_server, store, open_session):
    open_session()
    soonest = open_session(age=60_000)
    (deadline,) = [s.deadline for s in store.sessions() if s.ref.sid == soonest.sid]
    status = status_of(redis_server.url)
    assert status["live"] == 2
    assert status["next"] == timestamp(deadline)


def test_it_says_how_far_each_reader_is_behind_and_for_how_long(store, open_session):
    for _ in range(3):
        open_session()
    reader(store, "host:/a b")
    reader(store, "quick", stored=2)
    reader(store, "up to date", stored=3)
    readers = {found.name: found for found in read_status(store).readers}
    assert {name: found.backlog for name, found in readers.items()} == {"host:/a b": 3, "quick": 1, "up to date": 0}
    assert readers["up to date"].age == 0
    assert 0 < readers["quick"].age <= readers["host:/a b"].age < 30
    text = read_status(store).to_text()
    assert "host:/a b (shard 0): 3 behind, the oldest for" in text
    assert "up to date (shard 0): up to date" in text


def test_a_reader_is_not_blamed_for_another_that_is_far_behind(store):
    audit = store.keys.shards[0].audit
    reader(store, "slow")
    with store.redis.pipeline(transaction=False) as pipe:
        for number in range(12_000):
            pipe.xadd(audit, {"v": 1, "action": "start", "sid": sid(number), "at": 5})
        pipe.execute()
    reader(store, "quick", stored=11_999)
    readers = {found.name: found.backlog for found in read_status(store).readers}
    assert readers == {"slow": 12_000, "quick": 1}


def test_of_one_worker_it_says_who_it_is_and_what_it_did(redis_server, store, open_session, start_worker):
    worker = start_worker()
    ref = open_session(age=50)
    wait_until(lambda: ref.sid in worker.ends, "the end")
    wait_until(lambda: read_status(store).workers, "the worker to be heard of")
    ((first,), (writer,)) = (status_of(redis_server.url)[kind] for kind in ("workers", "readers"))
    assert first["name"].startswith(f"{socket.gethostname()}:{worker.pid}:")
    assert first["role"] == "writer"
    assert first["seen"] < 30
    assert writer == {"name": f"{socket.gethostname()}:{worker.audit_log}", "shard": 0, "backlog": 0, "age": 0.0}
    assert ref.sid not in run_command(redis_server.url, "status").stdout


def test_of_two_workers_it_says_which_one_stands_by(redis_server, store, start_worker, tmp_path):
    start_worker().wait_for_log("writing")
    other = tmp_path / "b"
    other.mkdir()
    with WorkerProcess(other, redis_server.url, WIKI_AUDIT_LOG=str(tmp_path / "audit.jsonl")) as second:
        second.wait_for_log("standing by")
        roles = {"writer", "standby"}
        wait_until(lambda: {w.role for w in read_status(store).workers} == roles, "both to be heard of")
        status = status_of(redis_server.url)
    assert len(status["workers"]) == 2
    assert len(status["readers"]) == 1
    assert "(standby" in read_status(store).to_text()


def test_a_worker_that_has_been_silent_for_long_is_forgotten(store):
    keys = store.keys.shards[0]
    store.redis.hset(keys.workers, "gone", '{"seen":1000,"role":"writer","ready":true,"did":"nothing"}')
    store.redis.hset(keys.workers, "nonsense", "what")
    assert store.run(verbs.heartbeat(keys, "here", '{"role":"writer","ready":true,"did":"x"}', 60_000)) == 2
    assert [worker.name for worker in read_status(store).workers] == ["here"]


def test_what_is_no_worker_among_the_workers_does_not_stop_it(redis_server, store):
    store.redis.hset(store.keys.shards[0].workers, "nonsense", "what")
    done = run_command(redis_server.url, "status")
    assert "Traceback" not in done.stderr
    assert done.returncode == 0


def test_a_redis_that_is_away_is_one_line_and_exit_code_1():
    for words in (("status",), ("audit", "forget", "x")):
        done = run_command(f"redis://:secret-word@127.0.0.1:{free_port()}/0", *words)
        assert done.returncode == 1
        assert done.stderr.startswith("wiki-worker: ")
        assert done.stderr.count("\n") == 1
        assert "secret-word" not in done.stderr


def test_a_reader_that_is_forgotten_holds_the_stream_no_longer(redis_server, store, open_session):
    for _ in range(3):
        open_session()
    reader(store, "gone for good")
    reader(store, "here", stored=3)
    keys = store.keys.shards[0]
    assert store.redis.xlen(keys.audit) == 3
    done = run_command(redis_server.url, "audit", "forget", "gone for good")
    assert done.returncode == 0
    assert "'gone for good' is forgotten" in done.stdout
    assert store.redis.hkeys(keys.readers) == [b"here"]
    assert store.redis.xlen(keys.audit) == 0


def test_a_reader_that_does_not_exist_is_not_forgotten(redis_server, store, open_session):
    open_session()
    reader(store, "here")
    done = run_command(redis_server.url, "audit", "forget", "her")
    assert done.returncode == 1
    assert "there is no reader 'her'" in done.stderr
    assert store.redis.xlen(store.keys.shards[0].audit) == 1


def test_a_reader_is_forgotten_in_every_shard(redis_server, store, raw):
    from session_store import Config, Store

    many = Store(Config(redis_url=redis_server.url, redis_shards=3))
    reader(many, "gone")
    done = run_command(redis_server.url, "audit", "forget", "gone", WIKI_REDIS_SHARDS="3")
    assert done.returncode == 0
    assert not any(raw.exists(keys.readers) for keys in many.keys.shards)


@pytest.mark.leaves_mess
def test_a_deadline_that_is_no_time_does_not_stop_it(redis_server, store):
    store.redis.zadd(store.keys.shards[0].sessions, {sid(1): "inf", sid(2): "-inf"})
    done = run_command(redis_server.url, "status")
    assert done.returncode == 0, done.stderr
    assert "live sessions   2" in done.stdout
