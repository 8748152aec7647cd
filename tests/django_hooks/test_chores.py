"""What is done beside following the stream: by the one that follows, again and again, whatever one of them does."""

from __future__ import annotations

import logging

import pytest
from django.db import DatabaseError

from django_hooks import chores
from django_hooks.audit.following import Following, Tally
from django_hooks.chores import chore, do_chores
from session_store import StoreUnavailable
from session_store.throttle import Throttle
from tests.wait import wait_until

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def none_yet(monkeypatch):
    monkeypatch.setattr(chores, "CHORES", [])
    monkeypatch.setattr(chores, "_throttle", Throttle(seconds=60))


def test_each_chore_is_done_and_one_that_fails_keeps_no_other_from_it(caplog):
    done = []

    @chore
    def broken() -> None:
        raise LookupError

    chore(lambda: done.append("x"))
    for _ in range(3):
        do_chores()
    assert done == ["x"] * 3
    assert caplog.text.count("broken failed; it is tried again") == 1


def test_a_chore_that_is_named_twice_is_done_once():
    done = []

    def work() -> None:
        done.append("x")

    chore(chore(work))
    do_chores()
    assert done == ["x"]


@pytest.mark.parametrize("error", [StoreUnavailable("here", "away"), DatabaseError("away")])
def test_what_is_away_is_the_followers_business(error):
    @chore
    def away() -> None:
        raise error

    with pytest.raises(type(error)):
        do_chores()


@on_sqlite
def test_the_one_that_follows_does_them_each_turn_also_without_events(store, follower, stop):
    done = []
    chore(lambda: done.append("x"))
    following = Following(follower(), stop=stop, tally=Tally())
    following.turn()
    following.turn()
    assert done == ["x", "x"]
    other = Following(follower(), stop=stop, tally=Tally())
    assert other.turn() > 0
    assert len(done) == 2


@on_sqlite
def test_a_chore_without_its_database_is_waited_for(store, follower, stop, caplog):
    caplog.set_level(logging.INFO, "django_hooks")
    away = [True]

    @chore
    def work() -> None:
        if away:
            raise DatabaseError("away")

    following = Following(follower(), stop=stop, tally=Tally())
    for _ in range(3):
        assert following.turn() > 0
    away.clear()
    assert following.turn() == 0
    assert caplog.text.count("waiting: the database: away") == 1
    assert caplog.text.count("going on after") == 1


@on_sqlite
def test_what_nobody_foresaw_stops_nothing_and_is_in_the_log_once(store, follower, stop, caplog, monkeypatch):
    ours = follower()
    following = Following(ours, stop=stop, tally=Tally())
    with monkeypatch.context() as patch:
        patch.setattr(ours.table, "claim", lambda: 1 / 0)
        assert following.turn() > 0
        assert following.turn() > 0
    assert following.turn() == 0
    assert caplog.text.count("that failed; it is tried again") == 1


@on_sqlite
def test_a_summary_says_what_was_done_and_nothing_where_nothing_was(store, follower, stop, caplog):
    from .audit import open_some

    caplog.set_level(logging.INFO, "django_hooks")
    tally = Tally()
    following = Following(follower(on_stored=tally.add), stop=stop, tally=tally)
    following.sum_up()
    open_some(store, 2)
    wait_until(lambda: following.turn() or tally.new == 2, "both to be stored")
    following.sum_up()
    following.sum_up()
    assert caplog.text.count("stored") == 1
    assert "2 events stored" in caplog.text
