from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.audit_file import BLOCK, AuditFile, Fate

from .lines import end, start, text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_each_event_is_a_line_behind_those_that_are_there(path):
    AuditFile(path).append([start(1), end(1)])
    AuditFile(path).append([start(2)])
    ids = [json.loads(line)["event"]["id"] for line in path.read_text().splitlines()]
    assert ids == [start(1).id, end(1).id, start(2).id]
    assert path.read_bytes().endswith(b"\n")


def test_what_is_appended_is_on_the_disk_when_append_returns(path, monkeypatch):
    synced = []
    real = os.fdatasync

    def fdatasync(file: int) -> None:
        real(file)
        synced.append(os.fstat(file).st_size)

    file = AuditFile(path)
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    file.append([start(1), start(2)])
    assert synced == [path.stat().st_size]


def test_the_directory_is_made(tmp_path):
    path = tmp_path / "var" / "log" / "audit.jsonl"
    AuditFile(path).append([start(1)])
    assert path.stat().st_size


def test_the_file_is_for_its_owner_to_write_its_group_to_read_and_nobody_else(path):
    old = os.umask(0)
    try:
        AuditFile(path).close()
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_audit_log_that_is_a_directory_is_refused(path):
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        AuditFile(path)


LENGTHS = st.integers(0, 60) | st.integers(BLOCK - 2, BLOCK + 2) | st.integers(2 * BLOCK - 2, 3 * BLOCK)


@given(whole=st.lists(LENGTHS, max_size=4), torn=LENGTHS)
@example(whole=[], torn=0)
@example(whole=[], torn=BLOCK)
@example(whole=[0], torn=BLOCK)
@example(whole=[BLOCK - 1], torn=3 * BLOCK)
@example(whole=[10], torn=BLOCK - 1)
def test_a_torn_last_line_is_cut_off_and_no_whole_one(whole, torn):
    kept = b"".join(b"x" * length + b"\n" for length in whole)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "audit.jsonl"
        path.write_bytes(kept + b"y" * torn)
        file = AuditFile(path)
        assert path.read_bytes() == kept
        assert file.fate() is Fate.SAME
        file.append([start(1)])
        file.close()
        assert path.read_bytes().startswith(kept + b'{"@timestamp"')


@given(data=st.data())
def test_wherever_a_crash_tears_the_lines_what_is_left_are_whole_ones(data):
    lines = text(start(1, "Mözilla"), end(1), start(2, "“ü”"), end(2, "logout"))
    tear = data.draw(st.integers(0, len(lines)))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "audit.jsonl"
        path.write_bytes(lines[:tear])
        AuditFile(path).close()
        left = path.read_bytes()
    assert left == b"".join(lines[:tear].splitlines(keepends=True)[: lines[:tear].count(b"\n")])
    assert len(left) + len(lines[:tear].rsplit(b"\n", 1)[-1]) == tear


def test_the_file_is_the_same_as_long_as_its_path_names_it(path):
    file = AuditFile(path)
    file.append([start(1)])
    assert file.fate() is Fate.SAME


def test_a_file_that_was_renamed_was_rotated_whether_there_is_a_new_one_or_not(path):
    file = AuditFile(path)
    path.rename(path.with_suffix(".1"))
    assert file.fate() is Fate.ROTATED
    path.touch()
    assert file.fate() is Fate.ROTATED


def test_a_rotated_file_is_written_to_until_it_is_closed(path):
    file = AuditFile(path)
    path.rename(path.with_suffix(".1"))
    file.append([start(1)])
    assert path.with_suffix(".1").stat().st_size
    assert not path.exists()


def test_a_file_that_was_removed_is_gone_whether_there_is_a_new_one_or_not(path):
    file = AuditFile(path)
    path.unlink()
    assert file.fate() is Fate.REMOVED
    path.touch()
    assert file.fate() is Fate.REMOVED


def test_a_file_that_was_cut_says_so_by_a_single_byte(path):
    file = AuditFile(path)
    file.append([start(1)])
    os.truncate(path, path.stat().st_size - 1)
    assert file.fate() is Fate.CUT


def test_a_file_that_was_cut_before_anything_was_appended_says_so(path):
    path.write_bytes(text(start(1)))
    file = AuditFile(path)
    os.truncate(path, 0)
    assert file.fate() is Fate.CUT


FULL = """
import resource, sys
from pathlib import Path
from tests.worker.lines import end, start
from worker.audit_file import AuditFile
path, room = Path(sys.argv[1]), int(sys.argv[2])
file = AuditFile(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, resource.RLIM_INFINITY))
try:
    file.append([start(2), end(2)])
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.close()
AuditFile(path).append([start(3)])
"""


@pytest.mark.parametrize(("room", "fits"), [(0, 0), (100, 0), (500, 1)])
def test_where_there_is_no_room_append_fails_and_the_next_one_begins_behind_the_last_whole_line(path, room, fits):
    path.write_bytes(text(start(1)))
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(room)], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "File too large\n"
    ids = [json.loads(line)["event"]["id"] for line in path.read_text().splitlines()]
    assert ids == [start(1).id, *[start(2).id] * fits, start(3).id]
