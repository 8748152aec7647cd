"""The arithmetic of the plan for many sessions, and that the docs say what was computed from what was measured."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.plan.costs import MEASURED, Costs
from benchmarks.plan.day import STEP, STEPS, live, simulate
from benchmarks.plan.document import plan
from benchmarks.plan.kinds import DAY, HOUR, KINDS, MINUTE, Kind
from benchmarks.plan.load import SINGLES, cost_of_ends, load_of
from benchmarks.plan.needs import HOST, carry, reach, shares
from benchmarks.plan.page import people, size, text
from benchmarks.plan.shards import UNEVEN, shards_for, unevenness
from benchmarks.table import BEGIN, END
from session_store.keys import Keys
from tests.cluster.servers import slot_of

DOCS = Path(__file__).parents[2] / "docs"

#: Nobody logs out, nobody comes again: a session lasts for its visit and the half hour after it.
ONCE = Kind("once", None, 30 * MINUTE, 20 * MINUTE, 30, 0.0, 0.0, None)

COSTS = Costs(
    redis_log_in=40,
    redis_check=20,
    redis_write=30,
    redis_end=100,
    redis_end_together=25,
    worker_start=50,
    worker_end=300,
    worker_end_together=15,
    worker_shard=2_000,
    net_log_in=800,
    net_check=400,
    net_write=400,
    net_end=1_000,
    replica_log_in=800,
    replica_write=200,
    replica_end=700,
    line_start=350,
    line_end=420,
    memory=400,
    copied=0.6,
)


@pytest.fixture(scope="module")
def day():
    return simulate(ONCE, log_ins=5_000)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_session_ends_when_its_kind_says(kind: Kind):
    chance = random.Random(7)  # noqa: S311 - the same every time
    for _ in range(500):
        life = live(kind, 10 * HOUR, chance)
        assert life.visits[0][0] == 10 * HOUR
        assert all(begin <= end <= life.end for begin, end in life.visits)
        if not life.log_out:
            deadlines = [10 * HOUR + (kind.absolute or inf), life.visits[-1][1] + (kind.idle or inf)]
            assert life.end == pytest.approx(min(deadlines))


def test_a_day_is_the_same_whenever_it_is_simulated():
    assert simulate(ONCE, log_ins=300) == simulate(ONCE, log_ins=300)
    assert simulate(ONCE, log_ins=300) != simulate(ONCE, log_ins=300, seed=2)


def test_in_a_day_as_many_sessions_end_as_begin_and_most_live_at_the_peak(day):
    assert sum(day.log_ins) == pytest.approx(sum(day.ends))
    assert max(day.live) == 1
    assert min(day.live) >= 0


def test_as_many_live_as_log_in_times_how_long_they_live(day):
    mean_life = ONCE.visit + (ONCE.idle or 0)
    assert sum(day.live) / STEPS == pytest.approx(sum(day.log_ins) / STEPS * mean_life, rel=0.05)


def test_sessions_that_live_for_weeks_count_on_every_day_of_them():
    weeks = replace(ONCE, idle=14 * DAY)
    found = simulate(weeks, log_ins=1_000)
    assert sum(found.live) / STEPS == pytest.approx(sum(found.log_ins) * STEP * 14, rel=0.02)


def test_pages_and_writes_go_with_the_time_that_is_spent(day):
    visits = sum(day.log_ins) * ONCE.visit
    assert sum(day.checks) == pytest.approx(visits / ONCE.page, rel=0.05)
    assert sum(day.writes) == pytest.approx(visits / MINUTE, rel=0.05)


def test_what_is_counted_grows_with_the_sessions(day):
    one, ten = (load_of(day, sessions, COSTS, 1) for sessions in (1_000, 10_000))
    for name in ("log_ins", "checks", "ends", "memory", "network", "lines", "audit"):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name)), name
    assert one.memory == 400_000
    assert one.audit == pytest.approx(one.lines / 2 * (350 + 420))
    assert one.ends < one.ends_in_a_second
    assert ten.ends_in_a_second / ten.ends < one.ends_in_a_second / one.ends


def test_only_so_many_ends_cost_what_one_costs():
    assert cost_of_ends(SINGLES, 100, 25) == SINGLES * 100
    assert cost_of_ends(2 * SINGLES, 100, 25) == SINGLES * 100 + SINGLES * 25


def test_a_shard_lies_where_redis_says():
    shards = Keys(shards=8).shards
    found = Counter(slot_of(keys.sessions) * 3 // 16384 for keys in shards)
    assert unevenness(8, 3) == max(found.values()) * 3 / 8 == 1.5
    assert unevenness(1, 1) == 1


def test_shards_are_as_many_as_lie_evenly():
    assert shards_for(1) == 1
    for primaries in (3, 8, 30, 100):
        shards = shards_for(primaries)
        assert shards
        assert unevenness(shards, primaries) <= UNEVEN
    assert shards_for(2_000) is None


def test_what_one_server_carries_needs_no_cluster(day):
    load, needs = carry(day, 1_000, COSTS)
    assert (needs.primaries, needs.servers, load.shards) == (1, 2, 1)


@pytest.mark.parametrize("sessions", [3_000_000, 30_000_000, 300_000_000])
def test_no_primary_gets_more_than_it_can_carry(day, sessions: int):
    load, needs = carry(day, sessions, COSTS)
    parts = shares(load, COSTS, HOST)
    assert needs.primaries >= 3
    assert max(parts[name] for name in ("Redis' core", "memory", "network")) * needs.uneven <= needs.primaries
    assert parts[needs.why] == max(share for name, share in parts.items() if "worker" not in name)


def test_what_gives_way_first_is_what_has_the_least(day):
    found = reach(day, COSTS)
    for name, sessions in found.items():
        assert shares(load_of(day, sessions, COSTS, 1), COSTS, HOST)[name] == pytest.approx(1, rel=0.01)
    assert found["memory"] == pytest.approx(HOST.memory * HOST.full / 1.6 / 400, rel=0.01)
    assert reach(day, COSTS, replace(HOST, memory=HOST.memory / 2))["memory"] == pytest.approx(
        found["memory"] / 2, rel=0.01
    )


def test_a_worker_that_can_do_twice_as_much_catches_up_in_as_long_as_it_was_away(day):
    load, needs = carry(day, 1_000_000, replace(COSTS, worker_end_together=1e6 / (2 * max(day.ends) * 1_000_000)))
    assert load.ends == pytest.approx(max(day.ends) * 1_000_000)
    assert needs.catch_up == pytest.approx(60)
    assert carry(day, 1_000_000, replace(COSTS, worker_end_together=1e6))[1].catch_up is None


def test_costs_that_were_not_measured_are_named(tmp_path, capsys, monkeypatch):
    with pytest.raises(ValueError, match="redis_log_in"):
        Costs.of({})
    monkeypatch.setattr(Costs, "read", lambda: Costs.of({}))
    assert scale.main([]) == 1
    assert "make bench" in capsys.readouterr().err


def test_sizes_are_said_as_people_say_them():
    assert (size(999), size(41_700_000), people(1_000_000_000), people(777_966)) == (
        "999 bytes",
        "41.7 MB",
        "1 G",
        "777,966",
    )


def test_the_plan_is_printed_for_other_machines_too(capsys):
    assert scale.main(["--json", "--memory", "1e9"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["host"]["memory"] == 1e9
    assert [kind["kind"]["name"] for kind in found["kinds"]] == [kind.name for kind in KINDS]


def test_the_docs_show_what_was_computed_from_what_was_measured():
    written = json.loads((DOCS / "scale.json").read_text())
    measured = json.loads(MEASURED.read_text())
    assert written["costs"] == measured["costs"]
    assert written == json.loads(json.dumps(plan(Costs.of(measured["costs"]), measured["machine"])))
    page = (DOCS / "scale.md").read_text()
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == text(written)
