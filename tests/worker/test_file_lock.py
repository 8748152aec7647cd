from __future__ import annotations

import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wait import wait_until
from worker.file_lock import FileLock

HOLD = """
import sys
from pathlib import Path
from worker.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
print(lock.reader_name() if lock.held else "", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def holder() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Start processes that try to take the lock, and stay."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def answer(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip()


def test_of_two_processes_one_has_it_until_it_is_killed(path, holder):
    first = holder(path)
    assert answer(first) == "True"
    second = holder(path)
    assert answer(second) == "False"
    ours = FileLock(path)
    assert not ours.acquire()
    assert not ours.held
    first.kill()
    wait_until(ours.acquire, "the lock of a process that was killed", 5)
    assert ours.held
    assert answer(holder(path)) == "False"
    ours.release()
    assert answer(holder(path)) == "True"


def test_taking_it_twice_changes_nothing_and_giving_it_back_twice_neither(path):
    lock = FileLock(path)
    assert lock.acquire()
    assert lock.acquire()
    lock.release()
    lock.release()
    assert not lock.held


def test_two_files_in_one_directory_have_a_lock_each(path):
    first, second = FileLock(path), FileLock(path.with_name("other.jsonl"))
    assert first.acquire()
    assert second.acquire()
    first.release()
    second.release()


def test_rotating_the_file_leaves_the_lock_where_it_is(path, holder):
    path.write_text("")
    lock = FileLock(path)
    assert lock.acquire()
    path.rename(path.with_name("audit.jsonl.1"))
    assert answer(holder(path)) == "False"
    lock.release()


def test_the_directory_is_made_and_the_lock_is_nobody_elses_business(tmp_path):
    path = tmp_path / "var" / "audit.jsonl"
    lock = FileLock(path)
    assert lock.acquire()
    assert stat.S_IMODE((tmp_path / "var" / "audit.jsonl.lock").stat().st_mode) & 0o027 == 0
    lock.release()


def test_a_lock_that_cant_be_made_says_so(path):
    path.with_name("audit.jsonl.lock").mkdir()
    with pytest.raises(IsADirectoryError):
        FileLock(path).acquire()


def name_in(path: Path) -> str:
    lock = FileLock(path)
    assert lock.acquire()
    name = lock.reader_name()
    assert lock.reader_name() == name
    lock.release()
    return name


def test_the_reader_is_named_after_host_and_path(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert name_in(Path("audit.jsonl")) == f"{socket.gethostname()}:{path}"


def test_the_name_stays_when_the_host_is_renamed_and_when_the_file_moves(path, monkeypatch, tmp_path):
    name = name_in(path)
    monkeypatch.setattr(socket, "gethostname", lambda: "another-host")
    assert name_in(path) == name
    assert name_in(path.with_name("other.jsonl")).startswith("another-host:")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "audit.jsonl.lock").write_bytes(path.with_name("audit.jsonl.lock").read_bytes())
    assert name_in(moved / "audit.jsonl") == name


def test_a_name_with_spaces_is_one_word_and_one_that_was_given_by_hand_is_kept(tmp_path):
    assert name_in(tmp_path / "a b" / "c d.jsonl").endswith("a_b/c_d.jsonl")
    (tmp_path / "audit.jsonl.lock").write_text("the old host:/var/log/audit.jsonl\n\n")
    assert name_in(tmp_path / "audit.jsonl") == "the old host:/var/log/audit.jsonl"


def test_a_lock_without_a_name_gets_one(path):
    path.with_name("audit.jsonl.lock").write_text(" \n")
    name = name_in(path)
    assert name.endswith(str(path))
    assert name_in(path) == name


def test_a_path_that_is_no_unicode_has_a_name_too(tmp_path):
    path = Path(str(tmp_path) + "/audit\udcff.jsonl")
    assert name_in(path) == name_in(path)
