from __future__ import annotations

from worker.rank import SETTLES, STALE, UNHURRIED, Rank, pace

from .clock import Clock


def test_where_nobody_asks_this_worker_comes_first():
    rank = Rank()
    assert not rank.stands_by
    assert rank.settled


def test_until_redis_has_answered_it_stands_by_but_not_for_ever():
    clock = Clock()
    rank = Rank(clock=clock)
    rank.expect()
    assert rank.stands_by
    clock.now += STALE
    assert not rank.stands_by


def test_the_only_worker_is_settled_at_once():
    rank = Rank()
    rank.expect()
    rank.note(first=True)
    assert rank.settled


def test_who_takes_over_settles_first():
    clock = Clock()
    rank = Rank(clock=clock)
    rank.note(first=False)
    assert rank.stands_by
    assert not rank.settled
    rank.note(first=True)
    assert not rank.stands_by
    assert not rank.settled
    clock.now += SETTLES
    rank.note(first=True)
    assert rank.settled


def test_what_was_heard_of_another_worker_long_ago_counts_for_nothing():
    clock = Clock()
    rank = Rank(clock=clock)
    rank.note(first=False)
    clock.now += STALE
    assert not rank.stands_by


def test_who_comes_first_nowhere_is_in_no_hurry_and_keeps_no_step_with_others():
    first, second, fresh = Rank(), Rank(), Rank()
    second.note(first=False)
    fresh.expect()
    assert pace(5.0, []) == pace(5.0, [first, second]) == pace(5.0, [fresh]) == 5.0
    paces = {pace(5.0, [second]) for _ in range(50)}
    assert len(paces) > 40
    assert all(abs(one - 5 * UNHURRIED) <= 1.5 for one in paces)
