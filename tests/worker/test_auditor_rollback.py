"""The audit log when Redis goes back in time, and when the worker dies or the file is rotated at the worst moment."""

from __future__ import annotations

import gzip
import json
import os
import resource
from collections import Counter
from pathlib import Path

import pytest

from session_store import Config, Store
from session_store.audit import AuditReader
from tests.servers import RedisServer
from tests.wait import wait_until

from .conftest import open_on
from .processes import WorkerProcess

SLOW = b"slow"


def lines_of(*paths: Path) -> Counter[str]:
    """How often each event is in the files, by its id: in whole lines, for another may be on its way."""
    found: Counter[str] = Counter()
    for path in paths:
        content = path.read_bytes() if path.exists() else b""
        found.update(json.loads(line)["event"]["id"] for line in content.split(b"\n")[:-1])
    return found


def once(*refs, ended=True) -> Counter[str]:
    """The lines that there should be of some sessions."""
    actions = ("start", "end") if ended else ("start",)
    return Counter(f"{ref.sid}-{action}" for ref in refs for action in actions)


def wait_for_lines(wanted: Counter[str], *paths: Path, seconds: float = 15) -> None:
    """Wait for exactly these lines."""
    try:
        wait_until(lambda: lines_of(*paths) >= wanted, "the lines in the audit log", seconds)
    except AssertionError:
        assert lines_of(*paths) == wanted
    assert lines_of(*paths) == wanted


def stored(store: Store) -> bool:
    """Whether the file's reader has acknowledged all that is in the stream."""
    last = store.redis.xinfo_stream(store.keys.shards[0].audit)["last-generated-id"]
    return any(place.split(b" ")[0] == last for place in place_of(store).values())


def place_of(store: Store) -> dict[bytes, bytes]:
    """The file's reader, as Redis knows it."""
    kept = store.redis.hgetall(store.keys.shards[0].readers)
    return {name: place for name, place in kept.items() if name != SLOW}


def wait_until_stored(store: Store) -> None:
    wait_until(lambda: stored(store), "everything to be acknowledged")


@pytest.mark.parametrize("clock", ["right", "behind"])
def test_redis_emptied_while_the_worker_runs_loses_and_repeats_nothing_that_comes_after(
    start_worker, open_session, store, clock
):
    if clock == "behind":
        # As if Redis' clock had been in the year 2286: after the loss, ids begin again far below.
        open_session(user_id="0")
        store.redis.execute_command("XSETID", store.keys.shards[0].audit, "9999999999999-5")
    worker = start_worker()
    before = [open_session() for _ in range(5)]
    store.end(before[0], "logout")
    wait_until(lambda: f"{before[0].sid}-end" in lines_of(worker.audit_log), "the first end")
    wait_until_stored(store)
    written = lines_of(worker.audit_log)
    store.redis.flushall()
    after = [open_session() for _ in range(5)]
    for ref in after:
        store.end(ref, "logout")
    wait_for_lines(written + once(*after), worker.audit_log)
    wait_until_stored(store)
    assert worker.stop() == 0
    worker.start()
    last = open_session(age=100)
    wait_for_lines(written + once(*after, last), worker.audit_log)


def test_ids_that_begin_again_below_while_no_worker_runs_neither_lose_nor_repeat_an_event(
    start_worker, open_session, store
):
    audit = store.keys.shards[0].audit
    worker = start_worker()
    first = open_session()
    wait_for_lines(once(first, ended=False), worker.audit_log)
    worker.kill()
    store.redis.flushall()
    # An emptied Redis whose clock is far behind: the entry has an id of 1970, and so have those that follow.
    second = open_session()
    ((_, fields),) = store.redis.xrange(audit)
    store.redis.delete(audit)
    store.redis.xadd(audit, fields, id="5-1")
    worker.start()
    wait_for_lines(once(first, second, ended=False), worker.audit_log)
    wait_until_stored(store)
    assert store.end(second, "logout")
    wait_for_lines(once(first, ended=False) + once(second), worker.audit_log)


def test_what_ended_before_redis_went_back_to_an_older_dump_does_not_live_again(start_worker, tmp_path):
    with RedisServer() as server:
        store = Store(Config(redis_url=server.url, redis_timeout=15))
        keys = store.keys.shards[0]
        worker = start_worker(url=server.url)
        logged_out, revoked, lives = (open_on(store, str(number)) for number in range(3))
        wait_for_lines(once(logged_out, revoked, lives, ended=False), worker.audit_log, seconds=30)
        expired = open_on(store, "3", age=3000)  # its time doesn't run while a busy machine starts the worker
        wait_for_lines(once(logged_out, revoked, lives, expired, ended=False), worker.audit_log)
        wait_until_stored(store)
        store.redis.save()
        store.end(logged_out, "logout")
        store.end(revoked, "revoked", actor="9")
        ended = once(logged_out, revoked, expired) + once(lives, ended=False)
        wait_for_lines(ended, worker.audit_log)
        server.kill()
        server.start()
        wait_until(lambda: store.count() == 1, "only one to live")
        assert [session.ref.sid for session in store.sessions()] == [lives.sid]
        assert not store.redis.exists(*(keys.session(ref.sid) for ref in (logged_out, revoked, expired)))
        marks = {sid.decode(): mark.split(b" ")[0] for sid, mark in store.redis.hgetall(keys.ended).items()}
        assert marks[logged_out.sid] == b"logout"
        assert marks[revoked.sid] == b"revoked"
        later = open_on(store, age=200)
        wait_for_lines(ended + once(later), worker.audit_log)
        assert worker.ends == {
            logged_out.sid: "logout",
            revoked.sid: "revoked",
            expired.sid: "expired",
            later.sid: "expired",
        }
        assert "Redis has gone back" in worker.log


def test_a_dump_from_before_everything_gives_no_second_start_and_no_second_end(start_worker, tmp_path):
    """The dump holds the first starts not yet acknowledged, and the reader at its very beginning."""
    with RedisServer() as server:
        store = Store(Config(redis_url=server.url, redis_timeout=15))
        first = [open_on(store, str(number)) for number in range(3)]
        store.redis.save()
        worker = start_worker(url=server.url)
        for ref in first[:2]:
            store.end(ref, "logout")
        wait_for_lines(once(*first[:2]) + once(first[2], ended=False), worker.audit_log)
        wait_until_stored(store)
        server.kill()
        server.start()
        wait_until(lambda: store.count() == 1, "only one to live")
        assert store.end(first[2], "logout")
        wait_for_lines(once(*first), worker.audit_log)


def take_back(store: Store, at: dict[bytes, bytes]) -> None:
    """As if the last acknowledgements had never reached Redis."""
    store.redis.hset(store.keys.shards[0].readers, mapping=at)


@pytest.fixture
def keeps_stream(store: Store) -> AuditReader:
    """Another reader, which stores nothing: the stream keeps all entries."""
    reader = AuditReader(store, SLOW.decode(), wait=0.01)
    reader.attach()
    return reader


@pytest.mark.parametrize("rotation", ["none", "renamed", "renamed twice", "compressed"])
def test_a_crash_between_writing_and_acknowledging_repeats_nothing(
    start_worker, open_session, store, keeps_stream, rotation
):
    worker = start_worker()
    path = worker.audit_log
    first = open_session()
    wait_until(lambda: lines_of(path) == once(first, ended=False) and stored(store), "the first line")
    place = place_of(store)
    others = [open_session() for _ in range(20)]
    for ref in others:
        store.end(ref, "logout")
    wait_until(lambda: lines_of(path) == once(first, ended=False) + once(*others) and stored(store), "all lines")
    worker.kill()
    take_back(store, place)
    older = path.with_name("audit.jsonl.1")
    if rotation != "none":
        path.rename(older)
    if rotation == "renamed twice":
        path.touch()
        older.rename(path.with_name("audit.jsonl.2"))
        path.rename(older)
    if rotation == "compressed":
        path.with_name("audit.jsonl.1.gz").write_bytes(gzip.compress(older.read_bytes()))
        older.unlink()
    worker.start()
    last = open_session(age=100)
    wait_until(lambda: stored(store) and last.sid in worker.ends, "the last end")
    if rotation == "none":
        assert lines_of(path) == once(first, ended=False) + once(*others, last)
    else:
        assert lines_of(path) == once(last)
    assert "; 40 lines to refuse" in worker.log or rotation == "compressed"


def test_a_crash_in_the_middle_of_a_batch_writes_the_rest_of_it(start_worker, open_session, store, keeps_stream):
    worker = start_worker()
    path = worker.audit_log
    first = open_session()
    wait_until(lambda: lines_of(path) == once(first, ended=False) and stored(store), "the first line")
    place = place_of(store)
    others = [open_session() for _ in range(10)]
    wait_until(lambda: lines_of(path) == once(first, *others, ended=False) and stored(store), "all lines")
    worker.kill()
    take_back(store, place)
    os.truncate(path, path.stat().st_size * 6 // 10)
    worker.start()
    wait_for_lines(once(first, *others, ended=False), path)


def test_rotations_in_the_middle_of_traffic_lose_and_repeat_nothing(start_worker, open_session, store):
    worker = start_worker()
    path = worker.audit_log
    refs = []

    def files() -> list[Path]:
        return [path, *(path.with_name(f"audit.jsonl.{number}") for number in range(1, 5))]

    for number in range(1, 5):
        refs += [open_session(age=100 + 10 * i) for i in range(20)]
        wait_until(lambda: path.exists() and path.stat().st_size, "lines in the file")
        path.rename(path.with_name(f"audit.jsonl.{number}"))
        refs += [open_session(age=100 + 10 * i) for i in range(20)]
    refs.append(open_session(age=100))
    wait_until(lambda: lines_of(*files()) == once(*refs), "all lines, once each")
    assert all(file.stat().st_size for file in files())


def set_room(worker: WorkerProcess, size: int) -> None:
    """Let no file of the worker's grow beyond a size; it is the disk that is full."""
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def filled(start_worker, open_session):
    """A worker whose audit log is longer than its own log will ever be, and the sessions in it."""
    worker = start_worker()
    refs = [open_session() for _ in range(120)]
    wait_for_lines(once(*refs, ended=False), worker.audit_log)
    return worker, refs


def torn(path: Path) -> bytes:
    return path.read_bytes().rsplit(b"\n", 1)[1]


#: Bytes of a line that the disk still takes: a few; up to the event's id and more.
@pytest.mark.parametrize("room", [40, 250])
def test_a_full_disk_keeps_events_in_redis_and_the_worker_goes_on_by_itself(filled, store, room):
    worker, refs = filled
    path = worker.audit_log
    set_room(worker, path.stat().st_size + room)
    store.end(refs[0], "logout")
    wait_until(lambda: torn(path), "a torn line")
    worker.wait_for_log("events wait in Redis until it can be written to")
    assert worker.log.count("events wait in Redis") == 1
    set_room(worker, resource.RLIM_INFINITY)
    wait_for_lines(once(refs[0]) + once(*refs[1:], ended=False), path)


@pytest.mark.parametrize(("room", "dies"), [(40, False), (250, False), (350, True)])
def test_a_line_torn_by_a_full_disk_is_written_anew_though_the_file_is_rotated_then(filled, store, room, dies):
    worker, refs = filled
    path, older = worker.audit_log, worker.audit_log.with_name("audit.jsonl.1")
    set_room(worker, path.stat().st_size + room)
    store.end(refs[0], "logout")
    wait_until(lambda: torn(path), "a torn line")
    if dies:
        worker.kill()
    path.rename(older)
    if dies:
        worker.start()
    else:
        set_room(worker, resource.RLIM_INFINITY)
    wait_until(lambda: path.exists() and stored(store), "everything to be stored")
    assert lines_of(path) == Counter([f"{refs[0].sid}-end"])


def test_an_audit_log_that_is_removed_is_begun_anew_and_said_to_be_gone(start_worker, open_session, store, tmp_path):
    directory = tmp_path / "log"
    path = directory / "audit.jsonl"
    worker = start_worker(WIKI_AUDIT_LOG=str(path))
    first = open_session(age=100)
    wait_until(lambda: lines_of(path) == once(first), "the first end")
    wait_until_stored(store)
    path.unlink()
    second = open_session(age=100)
    wait_until(lambda: lines_of(path) == once(second), "the second end, in a file of its own")
    worker.wait_for_log("it is gone, with all that was written to it")
