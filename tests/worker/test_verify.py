"""``wiki-worker audit verify``: what an audit log promises, and whether it keeps it."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store.audit import AuditReader
from tests.servers import free_port
from tests.wait import wait_until
from worker import verify as verify_module
from worker.verify import EXAMPLES, note_missing, verify

from .lines import end, sid, start, text
from .processes import environment, run_command


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def found(*contents: bytes, directory: Path, live: set[str] = frozenset()) -> dict[str, int]:
    """What is wrong with files of these contents, the oldest first, by kind."""
    files = []
    for number, content in enumerate(contents):
        files.append(directory / f"audit.jsonl.{number}")
        files[-1].write_bytes(content)
    findings = verify(files)
    note_missing(findings, set(live))
    return {
        problem.text.split(" ", 3)[0] + " " + problem.text.split(" ")[1]: problem.count for problem in findings.problems
    }


GOOD = text(start(1), start(2), end(1), start(3), end(3, "logout"), end(2))


def test_a_good_log_has_no_problem(path):
    path.write_bytes(GOOD)
    findings = verify([path])
    assert findings.problems == []
    assert (findings.lines, findings.ends, findings.started) == (6, 3, set())


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (text(start(1), start(1), end(1)), {"events written": 1}),
        (text(start(1), end(1), end(1)), {"events written": 1}),
        (text(start(1), end(1), end(1, "logout"), end(1)), {"events written": 2}),
        (text(start(1), end(1), start(1)), {"events written": 1}),
        (text(end(1)), {"ends before": 1}),
        (text(end(1), start(1)), {"ends before": 1}),
        (GOOD + b"what is this\n", {"lines that": 1}),
        (GOOD + b"\n\n", {"lines that": 2}),
        (GOOD + b"\xff\xfe\n", {"lines that": 1}),
        (GOOD + b'{"event":{"id":"x"}}', {"lines that": 1, "files whose": 1}),
        (GOOD[:-1], {"files whose": 1}),
        (text(start(1), start(2), end(2)), {"starts without": 1}),
        (b"", {}),
    ],
)
def test_each_kind_of_problem_is_found_and_counted(tmp_path, content, problems):
    assert found(content, directory=tmp_path) == problems


def test_an_event_is_known_across_files(tmp_path):
    assert found(text(start(1)), text(end(1)), directory=tmp_path) == {}
    assert found(text(start(1)), text(end(1), start(1)), directory=tmp_path) == {"events written": 1}
    assert found(text(end(1)), text(end(1)), directory=tmp_path) == {"events written": 1, "ends before": 1}


def test_a_torn_line_is_the_problem_of_its_own_file(tmp_path):
    assert found(GOOD, text(start(7))[:-3], text(end(7)), directory=tmp_path)["files whose"] == 1


def test_a_start_without_an_end_is_no_problem_where_the_session_lives(tmp_path):
    content = text(start(1), start(2))
    assert found(content, directory=tmp_path, live={sid(1), sid(2), sid(3)}) == {}
    assert found(content, directory=tmp_path, live={sid(2)}) == {"starts without": 1}


def test_examples_are_named_but_not_without_a_bound(path):
    path.write_bytes(text(*(end(number) for number in range(100))))
    (problem,) = verify([path]).problems
    assert problem.count == 100
    assert problem.examples == [f"{sid(number)}-end" for number in range(EXAMPLES)]


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["start", "end"])), max_size=12))
def test_what_is_found_is_what_a_plain_count_gives(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "counted.jsonl"
    path.write_bytes(text(*((start if action == "start" else end)(number) for number, action in events)))
    findings = verify([path])
    counts = Counter(events)
    assert findings.lines == len(events)
    first = {event: events.index(event) for event in counts}
    early = {n for n, action in first if action == "end" and first[n, "end"] < first.get((n, "start"), len(events))}
    assert findings.early.count == len(early)
    again = sum(count - 1 for count in counts.values())
    assert findings.twice.count == again
    assert findings.started == {sid(n) for n, action in first if action == "start" and (n, "end") not in first}


def test_progress_is_told_in_bytes_and_ends_at_all_of_them(path, tmp_path, monkeypatch):
    monkeypatch.setattr(verify_module, "STRIDE", 2)
    path.write_bytes(GOOD)
    other = tmp_path / "other"
    other.write_bytes(text(start(9)))
    told: list[int] = []
    verify([path, other], progress=told.append)
    assert told == sorted(told)
    assert len(told) == 4
    assert told[-1] == path.stat().st_size + other.stat().st_size


# What an operator types.


def test_a_good_log_gives_exit_code_0_and_says_what_it_holds(redis_server, store, open_session, start_worker):
    worker = start_worker()
    ended, lives = open_session(age=50), open_session()
    wait_until(lambda: ended.sid in worker.ends and len(worker.events) == 3, "the lines")
    done = run_command(redis_server.url, "audit", "verify", str(worker.audit_log))
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("3 lines, 1 ends, 1 live\n")
    assert "every event once" in done.stdout
    assert done.stderr == ""
    assert lives.sid not in done.stdout


def test_without_redis_nothing_is_said_of_what_has_not_ended(path):
    path.write_bytes(text(start(1), start(2), end(1)))
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    done = run_command(nowhere, "audit", "verify", str(path))
    assert done.stdout == "3 lines, 1 ends, 1 that have not ended\nevery event once, every end after its start\n"
    assert "were not looked at: Redis at 127.0.0.1" in done.stderr
    assert json.loads(run_command(nowhere, "audit", "verify", "--json", str(path)).stdout)["live"] is None


def test_problems_give_exit_code_1_and_are_named(redis_server, raw, path):
    path.write_bytes(text(start(1), end(1), end(1), start(2), end(3)) + b"garbage \x1b[2J\n")
    done = run_command(redis_server.url, "audit", "verify", str(path))
    assert done.returncode == 1
    assert f"1 events written twice, such as {sid(1)}-end" in done.stdout
    assert f"1 ends before their starts, or without any, such as {sid(3)}-end" in done.stdout
    assert f"1 starts without an end and without a live session, such as {sid(2)}" in done.stdout
    assert "1 lines that are no events, such as 'garbage" in done.stdout


def test_a_line_that_is_no_event_can_do_nothing_to_the_terminal(redis_server, raw, path):
    path.write_bytes(b"\x1b]0;owned\x07\x1b[2Jgarbage\n")
    assert "\x1b" not in run_command(redis_server.url, "audit", "verify", str(path)).stdout


def test_it_speaks_to_machines(redis_server, raw, path):
    path.write_bytes(text(start(1), end(1), end(1)))
    done = run_command(redis_server.url, "audit", "verify", "--json", str(path))
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "lines": 3,
        "ends": 1,
        "live": 0,
        "problems": [{"text": "events written twice", "count": 1, "examples": [f"{sid(1)}-end"]}],
    }


def test_a_file_that_cant_be_read_is_one_line_and_exit_code_1(redis_server, raw, path, tmp_path):
    for wrong in (path, tmp_path):
        done = run_command(redis_server.url, "audit", "verify", str(wrong))
        assert done.returncode == 1
        assert str(wrong) in done.stderr
        assert done.stderr.count("\n") == 1


def test_without_a_file_it_says_how_it_is_used(redis_server):
    done = run_command(redis_server.url, "audit", "verify")
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_on_a_terminal_it_shows_how_far_it_is(redis_server, raw, path):
    path.write_bytes(GOOD)
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        subprocess.run(
            [sys.executable, "-m", "worker", "audit", "verify", str(path)],
            env=environment(redis_server.url),
            stdout=subprocess.DEVNULL,
            stderr=slave,
            timeout=30,
            check=True,
        )
        os.close(slave)
        shown = terminal.read(1000)
    assert b"100 %" in shown
    assert shown.rsplit(b"\r", 1)[1] == b""


def test_a_log_that_was_compressed_is_verified_with_the_others(redis_server, raw, path):
    """As conf/logrotate.conf leaves it."""
    older = path.with_name("audit.jsonl.2.gz")
    older.write_bytes(gzip.compress(text(start(1), start(2), end(1))))
    path.write_bytes(text(end(2)))
    done = run_command(redis_server.url, "audit", "verify", str(older), str(path))
    assert done.returncode == 0, done.stdout


def test_an_end_that_waits_in_redis_to_be_written_is_not_missing(redis_server, store, open_session, start_worker):
    """Or else a busy site is told, at random, that it has lost something."""
    worker = start_worker()
    ref = open_session()
    wait_until(lambda: len(worker.events) == 1, "the start")
    worker.kill()
    store.end(ref, "logout")
    assert AuditReader(store, "looks", wait=0.01).attach()
    done = run_command(redis_server.url, "audit", "verify", str(worker.audit_log))
    assert done.returncode == 0, done.stdout
