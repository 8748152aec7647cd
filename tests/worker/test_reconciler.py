from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from session_store import Store
from tests.wait import wait_until
from worker.health import Health
from worker.lane import Lane, lanes_of
from worker.metrics import Metrics
from worker.reconciler import LEAST, PACE, Reconciler
from worker.report import Report

from .clock import Clock


def reconciler_of(store: Store, lane: Lane | None = None, clock: Callable[[], float] = time.monotonic) -> Reconciler:
    health = Health()
    report = Report(Metrics(health), health)
    return Reconciler(store=store, lane=lane or lanes_of(store)[0], report=report, clock=clock)


def test_while_the_worker_is_behind_nothing_is_looked_for_and_afterwards_it_is(store, open_session):
    ref, (lane,) = open_session(), lanes_of(store)
    role = reconciler_of(store, lane)
    lane.behind.set()
    store.redis.delete(store.keys.shards[0].session(ref.sid))
    assert all(role.step() >= LEAST for _ in range(5))
    assert store.count() == 1
    lane.behind.clear()
    wait_until(lambda: role.step() is not None and store.count() == 0, "the end of what has gone")


def test_the_first_pass_makes_no_pauses_and_the_next_ones_do(store, open_session):
    open_session()
    role, pauses = reconciler_of(store), []
    wait_until(lambda: pauses.append(role.step()) or pauses[-1] > 0, "the slow pass")
    assert LEAST <= pauses[-1] <= PACE
    assert set(pauses[:-1]) == {0.0}
    role.hurry()
    assert role.step() == 0.0


def test_what_a_page_comes_late_is_made_up_for_but_the_next_one_does_not_follow_at_once(store):
    clock = Clock()
    role = reconciler_of(store, clock=clock)
    wait_until(role.step, "the slow pass")
    clock.now += LEAST
    assert role.step() == pytest.approx(PACE)
    clock.now += PACE + 0.1
    assert role.step() == pytest.approx(PACE - 0.1)
    clock.now += 100
    assert role.step() == pytest.approx(LEAST)
    clock.now += LEAST
    assert role.step() == pytest.approx(PACE)


def test_the_slow_passes_look_at_everything_in_turn(store, open_session):
    keys, refs = store.keys.shards[0], [open_session() for _ in range(3)]
    role = reconciler_of(store)
    wait_until(lambda: role.step() > 0, "the slow pass")
    store.redis.delete(keys.session(refs[0].sid))
    store.redis.zrem(keys.sessions, refs[1].sid)
    store.redis.sadd(keys.users("nobody"), "leftover")
    for _ in range(40):
        role.step()
    assert store.count() == 2
    assert store.redis.zscore(keys.sessions, refs[1].sid)
    assert not store.redis.exists(keys.users("nobody"))
