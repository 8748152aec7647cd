"""That they run; what they measure here says nothing."""

from __future__ import annotations

import importlib
import json
import os

import pytest

from benchmarks import machine, plots
from benchmarks.__main__ import CASES, main
from benchmarks.cores import apart
from benchmarks.filling import RECORD, fill, now_ms, shift
from benchmarks.row import Row
from benchmarks.sizes import TINY
from benchmarks.spread import median, percentile, steps
from benchmarks.table import BEGIN, END, number, table, write_between
from tests.session_store.samples import HOUR


@pytest.mark.parametrize("name", CASES)
def test_a_benchmark_gives_figures(name, redis_server):
    result = importlib.import_module(f"benchmarks.cases.{name}").run(TINY)
    assert result.rows
    assert all(row.ours == row.ours for row in result.rows), "a figure is no number"


def test_what_is_printed_is_json_where_that_is_asked_for(capsys):
    main(["--scale", "tiny", "--only", "check", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert {"server", "python", "redis"} <= set(document["machine"])
    assert [row["what"] for row in document["rows"]]


def test_the_docs_show_all_or_nothing(capsys):
    with pytest.raises(SystemExit):
        main(["--docs", "--only", "check"])


def test_a_table_marks_what_is_reached_and_what_is_not():
    rows = [Row("this", 1234.5, "µs", "≤ 2", False, {"GET": 0.5}, "so"), Row("that", 1, "%", "1", True)]
    assert table(rows).splitlines()[2:] == [
        "| this | 1,234 µs | ≤ 2 | ✗ | GET 0.5; so |",
        "| that | 1 % | 1 | ✓ |  |",
    ]


@pytest.mark.parametrize(
    ("figure", "text"), [(123456.7, "123,457"), (123.4, "123"), (12.34, "12.3"), (0.01234, "0.0123")]
)
def test_a_figure_has_the_digits_that_count(figure, text):
    assert number(figure) == text


def test_the_figures_in_the_docs_are_written_anew_and_the_rest_is_left(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"head\n{BEGIN}\nold\n{END}\ntail\n")
    write_between(page, "new")
    write_between(page, "newer")
    assert page.read_text() == f"head\n{BEGIN}\nnewer\n{END}\ntail\n"
    page.write_text("no place")
    with pytest.raises(ValueError, match="no place"):
        write_between(page, "new")


def test_percentiles_are_values_that_were_there():
    assert (median([3, 1, 2]), percentile(range(100), 0.99), percentile([7], 0.99)) == (2, 99, 7)
    assert steps([1, 2, 3], 3) == [1, 2, 3]


def test_plots_are_drawn_of_what_there_are_points_for(tmp_path):
    series = {"lateness: ours, ms": [1, 2], "lateness: Celery beat, ms": [9, 60_000], "check: µs": [20, 25, 30, 900]}
    drawn = plots.draw(series, tmp_path)
    assert [path.name for path in drawn] == ["performance-lateness.svg", "performance-check.svg"]
    assert all("<svg" in path.read_text() for path in drawn)
    again = [path.read_bytes() for path in drawn]
    plots.draw(series, tmp_path)
    assert [path.read_bytes() for path in drawn] == again


def test_sessions_that_are_filled_in_have_records_of_the_size_that_is_said(store):
    refs = fill(store, 600, lambda number: now_ms() + HOUR + number)
    assert {store.redis.hstrlen(store.keys.shards[0].records, ref.sid) for ref in refs} == {RECORD}
    soon = now_ms() + HOUR // 2
    shift(store, soon)
    assert {int(score) for _, score in store.redis.zrange(store.keys.shards[0].sessions, 0, -1, withscores=True)} == {
        soon
    }
    assert {store.redis.pexpiretime(store.keys.shards[0].session(ref.sid)) for ref in refs} == {soon}


def test_a_sync_of_the_disk_takes_time():
    assert min(machine.sync_times(3)) > 0


def test_redis_and_who_asks_it_are_kept_apart_for_a_while(redis_server):
    before = os.sched_getaffinity(0)
    with apart(redis_server.pid):
        if len(before) > 1:
            assert not os.sched_getaffinity(0) & os.sched_getaffinity(redis_server.pid)
    assert os.sched_getaffinity(0) == before
    os.sched_setaffinity(redis_server.pid, before)
