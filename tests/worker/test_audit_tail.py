from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store.events import Event
from session_store.sessions import Reason
from worker import audit_tail
from worker.audit_tail import Written, last_written, parse_line, rotated, written_after

from .lines import end, sid, start, text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def put(path: Path, *events: Event, age: int = 0) -> Path:
    """Write a file that was last written to so many minutes ago."""
    content = text(*events)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    os.utime(path, (1_760_000_000 - 60 * age,) * 2)
    return path


def ids(path: Path, *bases: str) -> list[str]:
    return [written.id for written in written_after(path, set(bases))]


def test_the_lines_after_the_base_come_newest_first(path):
    put(path, start(1), end(1), start(2), end(2))
    assert ids(path, end(1).id) == [end(2).id, start(2).id]


def test_a_base_in_the_last_line_leaves_nothing(path):
    put(path, start(1), end(1))
    assert ids(path, end(1).id) == []


def test_an_end_says_its_reason_and_a_start_has_none(path):
    put(path, start(1), end(1, "password_change"))
    assert list(written_after(path, {""})) == [
        Written(sid(1), "end", "password_change"),
        Written(sid(1), "start", None),
    ]


@pytest.mark.parametrize("reason", [str(reason) for reason in Reason])
def test_every_reason_is_read(reason):
    assert parse_line(text(end(1, reason))) == Written(sid(1), "end", reason)


def test_of_several_bases_the_oldest_counts(path):
    put(path, start(1), start(2), start(3), start(4))
    assert ids(path, start(3).id, start(1).id) == [start(4).id, start(3).id, start(2).id]


def test_a_base_in_the_file_that_it_was_rotated_to(path):
    put(path, start(4))
    put(path.with_name("audit.jsonl.1"), start(2), start(3), age=1)
    put(path.with_name("audit.jsonl.2"), start(1), age=2)
    assert ids(path, start(2).id) == [start(4).id, start(3).id]
    assert ids(path, start(1).id) == [start(4).id, start(3).id, start(2).id]


def test_files_with_a_date_in_their_names_are_ordered_by_when_they_were_written_to(path):
    put(path.with_name("audit.jsonl-20260301"), start(1), age=3)
    put(path.with_name("audit.jsonl-20251231"), start(2), age=2)
    put(path, start(3))
    assert ids(path, "") == [start(3).id, start(2).id, start(1).id]


def test_a_missing_file_is_an_empty_one(path):
    put(path.with_name("audit.jsonl.1"), start(1), start(2), age=1)
    assert ids(path, start(1).id) == [start(2).id]


def test_a_base_in_a_compressed_file_makes_all_of_that_file_count_and_no_older_one(path):
    put(path, start(5))
    put(path.with_name("audit.jsonl.1"), start(4), age=1)
    put(path.with_name("audit.jsonl.2.gz"), start(2), start(3), age=2)
    put(path.with_name("audit.jsonl.3.gz"), start(1), age=3)
    assert ids(path, start(2).id)[:2] == [start(5).id, start(4).id]
    assert set(ids(path, start(2).id)) == {start(number).id for number in (2, 3, 4, 5)}
    assert set(ids(path, start(1).id)) == {start(number).id for number in (1, 2, 3, 4, 5)}


@pytest.mark.parametrize("bases", [{""}, {start(9).id}, {"", start(2).id}, {start(1).id, start(9).id}])
def test_with_a_base_that_is_nowhere_every_line_counts(path, bases):
    put(path, start(2), start(3))
    put(path.with_name("audit.jsonl.1.gz"), start(1), age=1)
    assert sorted(ids(path, *bases)) == [start(1).id, start(2).id, start(3).id]


def test_the_lock_and_the_files_of_others_are_not_taken_for_rotated_ones(path):
    put(path, start(3))
    for name in ("audit.jsonl.lock", "audit.json", "other.audit.jsonl.1", "audit"):
        put(path.with_name(name), start(1), age=1)
    path.with_name("audit.jsonl.d").mkdir()
    kept = put(path.with_name("audit.jsonl.1"), start(2), age=2)
    assert rotated(path) == [kept]
    assert ids(path, "") == [start(3).id, start(2).id]


@pytest.mark.parametrize("name", ["audit[1].jsonl", "audit*.jsonl", "what?.jsonl", "a b.jsonl"])
def test_a_name_with_glob_characters_is_no_pattern(tmp_path, name):
    path = put(tmp_path / name, start(2))
    other = put(tmp_path / f"{name}.1", start(1), age=1)
    put(tmp_path / "audit1.jsonl.1", start(7), age=1)
    put(tmp_path / "whatx.jsonl.1", start(8), age=1)
    assert rotated(path) == [other]


def test_the_newest_line_is_in_the_file_or_in_the_one_before(path):
    assert last_written(path) is None
    put(path.with_name("audit.jsonl.1"), start(1), end(1, "idle"), age=1)
    put(path.with_name("audit.jsonl.2.gz"), start(8), age=-1)
    path.touch()
    assert last_written(path) == Written(sid(1), "end", "idle")
    put(path, start(2))
    assert last_written(path) == Written(sid(2), "start", None)


FORGED = f'","id":"{sid(66)}-end","action":"session-ended","reason":"logout","'
HOSTILE = [
    FORGED,
    '"id":"' + sid(66) + '-end","action":"session-ended","reason":"logout"',
    '\\"id\\":\\"' + sid(66) + '-end\\",\\"action\\":\\"session-ended\\"',
    "\\" + FORGED,
    "\\\\" + FORGED,
    f'x\n{{"event":{{"id":"{sid(66)}-end","action":"session-ended"}}}}\n',
    "\x00\x1f\u2028\u0085\r" + FORGED,
    "“ü\U0001f600”" * 50,
]


@pytest.mark.parametrize("agent", HOSTILE)
def test_a_user_agent_that_looks_like_an_event_is_none(path, agent):
    put(path, start(1, agent), end(1, "logout", agent), start(2, agent))
    assert len(path.read_bytes().split(b"\n")) == 4
    assert ids(path, "") == [start(2).id, end(1).id, start(1).id]
    assert ids(path, f"{sid(66)}-end") == [start(2).id, end(1).id, start(1).id]


@given(agent=st.text(), cut=st.integers(0, 300))
def test_no_text_makes_a_line_another_event(agent, cut):
    line = text(end(1, "logout", agent + FORGED[:cut] + agent))
    assert line.count(b"\n") == 1
    assert parse_line(line) == Written(sid(1), "end", "logout")
    assert json.loads(line)["event"]["id"] == end(1).id


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}\n", b"\xff\xfe\x00\n", b"x" * 5000, b'{"event":{"id":"short-end","action":"x"}}\n']
)
def test_lines_that_are_no_events_are_passed_over(path, line):
    path.write_bytes(text(start(1)) + line.rstrip(b"\n") + b"\n" + text(end(1)))
    assert parse_line(line) is None
    assert ids(path, start(1).id) == [end(1).id]


def test_a_line_longer_than_a_block_is_read_whole(path):
    put(path, start(1), start(2, "x" * (2 * audit_tail.BLOCK + 7)), start(3))
    assert ids(path, start(1).id) == [start(3).id, start(2).id]


def test_many_lines_over_several_blocks_are_each_read_once(path):
    events = [start(number) for number in range(9000)]
    put(path, *events)
    assert path.stat().st_size > 2 * audit_tail.BLOCK
    assert ids(path, start(0).id) == [event.id for event in reversed(events[1:])]


def forward(contents: list[bytes], bases: set[str]) -> list[str]:
    """What a plain reading gives: the ids of all lines, oldest first, of which those behind the oldest base count."""
    found = [json.loads(line)["event"]["id"] for content in contents for line in content.splitlines()]
    places = [found.index(base) for base in bases if base in found]
    first = min(places) + 1 if len(places) == len(bases) else 0
    return found[first:][::-1]


@given(
    block=st.integers(1, 900),
    lengths=st.lists(st.lists(st.integers(0, 400), max_size=6), min_size=1, max_size=3),
    bases=st.sets(st.integers(0, 12), min_size=1, max_size=3),
)
def test_backwards_block_by_block_gives_what_a_plain_reading_gives(block, lengths, bases):
    number, contents = 0, []
    for file in lengths:
        contents.append(text(*(start(number + i, "ü" * length) for i, length in enumerate(file))))
        number += len(file)
    wanted = {start(base).id for base in bases}
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_tail, "BLOCK", block)
        path = Path(directory) / "audit.jsonl"
        for age, content in enumerate(reversed(contents)):
            file = path.with_name(f"audit.jsonl.{age}") if age else path
            file.write_bytes(content)
            os.utime(file, (1_760_000_000 - age,) * 2)
        assert ids(path, *wanted) == forward(contents, wanted)


def test_a_torn_last_line_of_a_rotated_file_is_not_written_down(path):
    put(path, start(3))
    torn = text(end(2))[:-5]
    assert parse_line(torn)
    older = path.with_name("audit.jsonl.1")
    older.write_bytes(text(start(1), start(2)) + torn)
    os.utime(older, (1_750_000_000,) * 2)
    assert ids(path, start(1).id) == [start(3).id, start(2).id]


def test_a_compressed_file_that_is_cut_short_counts_as_far_as_it_can_be_read(path):
    put(path, start(3))
    whole = gzip.compress(text(*(start(10 + number, os.urandom(300).hex()) for number in range(200))))
    path.with_name("audit.jsonl.1.gz").write_bytes(whole[: len(whole) // 2])
    assert start(3).id in ids(path, "")
