"""What a worker asks of Redis while nothing is due: counted, and held against what its roles' pauses allow."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from benchmarks.filling import HOUR, fill, now_ms
from session_store import Store, inbox
from session_store.verbs import LEASE
from tests.wait import wait_until
from worker import auditor, canary, heartbeat, monitor, presence_pruner, reconciler, sweeper
from worker.rank import UNHURRIED

from .meter import Meter

#: What a worker that is alone sends in a second, on one server with one shard, by role. Together at most five.
FIRST = {
    "sweeper": 1 / sweeper.LOOK_FOLLOWING,
    "reconciler": 1 / reconciler.PACE,
    "monitor": 4 / monitor.EVERY,
    "auditor": 1 / inbox.BLOCK + 1 / auditor.LOOK,
    "canary": 2 / canary.EVERY,
    "heartbeat": 1 / heartbeat.EVERY,
    "presence": 1 / presence_pruner.TIDY,
}

#: The same of one that stands by, of whose lane and file another one takes care.
STANDBY = {
    "sweeper": 1000 / LEASE,
    "monitor": 4 / monitor.EVERY / UNHURRIED,
    "heartbeat": 1 / heartbeat.EVERY / UNHURRIED,
    "presence": 1 / presence_pruner.TIDY,
}

#: Which role sends what.
ROLES = {
    "due": "sweeper",
    **dict.fromkeys(("suspect_index", "suspect_records", "suspect_keys", "suspect_users", "prune_ended"), "reconciler"),
    **dict.fromkeys(("tally", "layouts", "INFO", "CONFIG"), "monitor"),
    **dict.fromkeys(("XREAD", "HGET"), "auditor"),
    **dict.fromkeys(("SET", "EXISTS"), "canary"),
    "heartbeat": "heartbeat",
    "tidy_online": "presence",
}

#: What sets up a connection: where two roles ask at the same moment, the pool makes one more, and keeps it.
SETTING_UP = {"HELLO", "AUTH", "SELECT", "CLIENT"}

#: How many connections more that may be in the time in which it is counted.
MORE = 3

#: For how long it is counted: each role sends something in that time.
SECONDS = 10

#: What a role sends at once, at most.
TOGETHER = {"monitor": 4, "auditor": 2, "canary": 2}


def test_what_the_pauses_allow_is_five_commands_a_second_and_for_three_workers_half_as_much_again():
    assert sum(FIRST.values()) <= 5
    assert 2 * sum(STANDBY.values()) <= sum(FIRST.values()) / 2


@pytest.mark.unguarded
def test_an_idle_worker_sends_no_more_than_its_pauses_allow(start_worker, store, redis_server):
    worker = start_worker()
    worker.wait_for_log("listening")
    worker.wait_for_log("reconciled")
    fill(store, 5000, lambda number: now_ms() + HOUR + number)
    wait_until(lambda: not store.redis.xlen(store.keys.shards[0].audit), "all starts to be written")
    asked = config_reads(store)
    with Meter(redis_server) as meter:
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() > begin + SECONDS, "commands", SECONDS + 1)
        took = time.monotonic() - begin
    counts = Counter({"CONFIG": config_reads(store) - asked})
    set_up: Counter[str] = Counter()
    for (_, kind), count in meter.kinds.items():
        (set_up if kind in SETTING_UP else counts)[kind] += count
    sent: Counter[str] = Counter()
    for kind, count in counts.items():
        sent[ROLES[kind]] += count
    allowed = {role: rate * took + TOGETHER.get(role, 1) for role, rate in FIRST.items()}
    assert set_up["HELLO"] <= MORE
    assert sent.keys() == allowed.keys()
    assert all(sent[role] <= allowed[role] for role in allowed), counts


def config_reads(store: Store) -> int:
    """How often CONFIG GET was asked for, of which a meter is not told."""
    stats = store.redis.info("commandstats")
    return sum(stats.get(name, {}).get("calls", 0) for name in ("cmdstat_config|get", "cmdstat_config"))
