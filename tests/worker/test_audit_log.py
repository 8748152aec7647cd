"""One file, written by several lanes."""

from __future__ import annotations

import os
import resource
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.wait import wait_until
from worker import audit_log
from worker.audit_log import AuditLog

from .lines import end, start, text
from .test_auditor_rollback import lines_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def log(path: Path) -> AuditLog:
    return AuditLog(path)


def test_lanes_write_in_turn_and_whole_lines(log, path):
    edition = log.open()

    def write(lane: int) -> None:
        for number in range(50):
            assert log.append(f"lane {lane}", [start(1000 * lane + 2 * number), end(1000 * lane + 2 * number)], edition)
            log.settle(f"lane {lane}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert sum(lines_of(path).values()) == len(lines_of(path)) == 400
    assert log.written == 400
    assert log.newest in lines_of(path)


def test_a_line_torn_by_one_lane_is_mended_before_another_one_writes_and_all_begin_anew(log, path):
    edition = log.open()
    assert log.append("first", [start(1)], edition)
    log.settle("first")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, kept[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            log.append("second", [start(2)], edition)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert not path.read_bytes().endswith(b"\n")
    assert not log.append("first", [start(3)], edition)
    later = log.open()
    assert later != edition
    assert log.append("first", [start(3)], later)
    assert lines_of(path) == Counter([start(1).id, start(3).id])


@pytest.mark.parametrize("doubt", [True, False])
def test_a_new_file_is_begun_only_when_no_lane_may_be_brought_what_the_old_one_has(log, path, doubt):
    edition, older = log.open(), path.with_name("audit.jsonl.1")
    if doubt:
        log.doubt("slow")
    else:
        assert log.append("slow", [start(1)], edition)
    path.rename(older)
    assert log.look_after("quick", edition)
    assert not path.exists()
    log.trust("slow")
    log.settle("slow")
    assert log.look_after("quick", edition)
    assert log.append("quick", [start(2)], edition)
    assert path.read_bytes().count(b"\n") == 1
    assert older.read_bytes().count(b"\n") == int(not doubt)


def test_who_writes_after_a_rotation_waits_until_others_have_acknowledged(log, path):
    """Otherwise, of many busy lanes, one would always have something in hand, and no new file would ever be begun."""
    edition, older = log.open(), path.with_name("audit.jsonl.1")
    assert log.append("slow", [start(1)], edition)
    path.rename(older)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(log.append, "quick", [start(2)], edition)
        wait_until(lambda: log._turn._waiters, "the quick lane to wait")
        log.settle("slow")
        assert writing.result(10)
    assert path.read_bytes().count(b"\n") == older.read_bytes().count(b"\n") == 1


def test_a_lane_that_never_acknowledges_keeps_nobody_from_writing(log, path, monkeypatch):
    monkeypatch.setattr(audit_log, "PATIENCE", 0.01)
    edition = log.open()
    assert log.append("hung", [start(1)], edition)
    path.rename(path.with_name("audit.jsonl.1"))
    assert log.append("quick", [start(2)], edition)
    assert lines_of(path.with_name("audit.jsonl.1")) == Counter([start(1).id, start(2).id])


@pytest.mark.parametrize("how", ["removed", "cut"])
def test_what_was_written_to_a_file_that_is_lost_does_not_count_for_any_lane(log, path, caplog, how):
    edition = log.open()
    assert log.append("first", [start(1)], edition)
    path.unlink() if how == "removed" else os.truncate(path, 0)
    assert not log.append("second", [start(2)], edition)
    assert not log.append("first", [start(3)], edition)
    assert not log.look_after("first", edition)
    assert caplog.text.count("copytruncate") == 1


def test_one_process_writes_a_file_and_another_log_can_once_it_is_closed(log, path, caplog):
    caplog.set_level("INFO")
    edition, other = log.open(), AuditLog(path)
    assert edition is not None
    assert other.open() is None
    assert other.open() is None
    assert caplog.text.count("standing by") == 1
    log.close()
    assert not log.append("late", [start(1)], edition)
    assert other.open() is not None
    assert other.reader_name()
    assert path.read_bytes() == text()
