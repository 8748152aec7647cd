"""Several workers on one Redis: one writes a file, one comes first; whichever is killed or paused, work goes on."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from tests.wait import wait_until

from .processes import WorkerProcess


def make(stack: ExitStack, directory: Path, url: str, *words: str, **settings: str) -> WorkerProcess:
    """Start a worker in a directory of its own."""
    directory.mkdir()
    worker = WorkerProcess(directory, url, *words, **settings)
    worker.audit_log = Path(settings.get("WIKI_AUDIT_LOG", worker.audit_log))
    return stack.enter_context(worker)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def pair(stack, tmp_path, redis_server, store) -> tuple[WorkerProcess, WorkerProcess]:
    """Two workers with one audit log: the first writes it."""
    path = str(tmp_path / "audit.jsonl")
    first = make(stack, tmp_path / "a", redis_server.url, WIKI_AUDIT_LOG=path)
    first.wait_for_log("writing")
    second = make(stack, tmp_path / "b", redis_server.url, WIKI_AUDIT_LOG=path)
    second.wait_for_log(f"standing by: another worker writes {path}")
    return first, second


def lines(worker: WorkerProcess) -> Counter[str]:
    return Counter(event["event"]["id"] for event in worker.events)


def of(refs) -> Counter[str]:
    return Counter(f"{ref.sid}-{action}" for ref in refs for action in ("start", "end"))


def test_of_two_workers_with_one_log_one_stands_by_writes_within_2_s_and_ends_what_is_due_within_3(pair, open_session):
    first, second = pair
    refs = [open_session(age=100) for _ in range(50)]
    wait_until(lambda: lines(first) == of(refs), "the ends")
    assert "writing" not in second.log
    first.kill()
    killed = time.monotonic()
    refs.append(open_session(age=50))
    wait_until(lambda: "writing" in second.log, "the other to write", 2)
    # The lease of the one that ended what was due is over two seconds after it last asked.
    wait_until(lambda: lines(second) == of(refs), "the end, written by the other", 3)
    assert time.monotonic() - killed < 3


def test_a_writer_killed_in_the_middle_of_many_lines_loses_and_repeats_none(pair, open_session, store):
    first, second = pair
    refs = [open_session(user_id=str(i % 9), age=700 + i % 100) for i in range(600)]
    wait_until(lambda: sum(lines(first).values()) > 700, "some of the ends")
    first.kill()
    wait_until(lambda: sum(lines(second).values()) >= 1200, "all ends")
    assert lines(second) == of(refs)
    assert store.count() == 0


def test_workers_change_places_and_the_name_of_the_reader_goes_on_with_the_file(pair, open_session, store):
    first, second = pair
    first.kill()
    second.wait_for_log("writing")
    first.start()
    first.wait_for_log("standing by")
    second.kill()
    ref = open_session(age=50)
    wait_until(lambda: lines(first) == of([ref]), "the end")
    assert store.redis.hlen(store.keys.shards[0].readers) == 1


def test_each_of_two_workers_with_files_of_their_own_writes_a_complete_one(stack, tmp_path, redis_server, open_session):
    first = make(stack, tmp_path / "a", redis_server.url)
    second = make(stack, tmp_path / "b", redis_server.url)
    for worker in (first, second):
        worker.wait_for_log("writing")
    refs = [open_session(age=100 + i) for i in range(100)]
    wait_until(lambda: lines(first) == of(refs), "the ends in the first file")
    second.kill()
    refs += [open_session(age=100 + i) for i in range(100)]
    wait_until(lambda: lines(first) == of(refs), "the ends in the first file")
    second.start()
    wait_until(lambda: lines(second) == of(refs), "the ends in the second file")
    assert first.ends == second.ends


def test_a_paused_writer_that_wakes_up_after_another_has_taken_its_name_does_no_harm(
    stack, tmp_path, redis_server, open_session, store
):
    """As after an operator has moved the file to another host while the first worker hung."""
    first = make(stack, tmp_path / "a", redis_server.url)
    refs = [open_session(age=50) for _ in range(20)]
    wait_until(lambda: lines(first) == of(refs), "the ends")
    first.signal(signal.SIGSTOP)
    directory = tmp_path / "b"
    directory.mkdir()
    for name in ("audit.jsonl", "audit.jsonl.lock"):
        (directory / name).write_bytes((tmp_path / "a" / name).read_bytes())
    second = stack.enter_context(WorkerProcess(directory, redis_server.url))
    refs += [open_session(age=50) for _ in range(20)]
    wait_until(lambda: lines(second) == of(refs), "the ends")
    second.kill()
    first.signal(signal.SIGCONT)
    refs.append(open_session(age=50))
    wait_until(lambda: refs[-1].sid in first.ends, "the last end")
    both = lines(first) | lines(second)
    assert both == of(refs)
    assert max(lines(first).values()) == max(lines(second).values()) == 1


ONLY = ("--only", "deadlines", "--verbose")


def lateness(worker: WorkerProcess, sid: str) -> float:
    """Seconds from a session's deadline to its line."""
    (event,) = [e for e in worker.events if e["event"]["id"] == f"{sid}-end"]
    return (datetime.fromisoformat(event["@timestamp"]) - datetime.fromisoformat(event["event"]["end"])).total_seconds()


def test_of_two_workers_one_ends_what_is_due_until_it_is_paused_then_the_other_does(
    stack, tmp_path, redis_server, open_session, store
):
    workers = [make(stack, tmp_path / name, redis_server.url, *ONLY, WIKI_SET_FLAGS="no") for name in "ab"]
    for worker in workers:
        worker.wait_for_log("writing")
    lease = store.keys.shards[0].lease
    holder = wait_until(lambda: store.redis.get(lease), "one to come first").decode()
    first, second = sorted(workers, key=lambda worker: f" {holder} started" not in worker.log)
    assert f"{holder} started" in first.log
    refs = [open_session(age=600 + 20 * i) for i in range(30)]
    wait_until(lambda: len(second.ends) == 30, "the ends")
    wait_until(lambda: all(f"ended {ref.sid}" in first.log for ref in refs), "the first one to say so")
    assert "ended" not in second.log
    assert max(lateness(second, ref.sid) for ref in refs) < 1

    first.signal(signal.SIGSTOP)
    ref = open_session(age=50)
    wait_until(lambda: ref.sid in second.ends, "the end by the other one", 4)
    second.wait_for_log(f"ended {ref.sid}")
    assert lateness(second, ref.sid) < 2.5
    wait_until(lambda: store.redis.get(lease) not in {None, holder.encode()}, "the other one to come first from now on")

    first.signal(signal.SIGCONT)
    last = open_session(age=400)
    wait_until(lambda: lines(first) == lines(second) == of([*refs, ref, last]), "the ends in both files")
    second.wait_for_log(f"ended {last.sid}")
    assert f"ended {last.sid}" not in first.log
