"""The follower as a process: killed, stopped, without its database, without its Redis."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import time
from contextlib import ExitStack

import pytest
from django.db import connections

from session_store import Config, Store
from tests.servers import RedisServer
from tests.wait import wait_until

from .audit import end, once, open_some, rows, waiting
from .databases import ALIAS
from .processes import Command

#: Where the kind of database does not matter.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

FOLLOW = ("audit_log", "--follow", "--lease", "0.6")


@pytest.fixture
def run(tmp_path, database, store):
    """Starts followers."""
    with ExitStack() as stack:

        def start(name: str = "one", *words: str, url: str = "", **settings: str) -> Command:
            directory = tmp_path / name
            settings = {"TEST_HEARD": str(tmp_path / name / "heard"), **settings}
            return stack.enter_context(
                Command(directory, database, url or store.config.redis_url, *(words or FOLLOW), **settings)
            )

        yield start


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_kills_at_random_moments_lose_and_repeat_nothing_and_everything_is_told(run, store):
    chance = random.Random(2012)  # noqa: S311 - not a secret
    follower = run()
    refs = []
    for _ in range(3):
        refs += open_some(store, 300)
        end(store, *refs[-300:-100])
        before, wanted = len(rows()), chance.randrange(1, 400)
        wait_until(lambda: len(rows()) >= before + wanted, "some rows", 30)  # noqa: B023 - it is called here
        follower.kill()
        follower.start()
        end(store, *refs[-100:])
    wait_until(lambda: rows() == once(*refs), "every row, once", 30)
    wait_until(lambda: waiting(store) == 0, "the stream to be trimmed")
    wait_until(lambda: set(follower.heard) == set(once(*refs)), "everything to be told", 30)
    assert len(follower.heard) < 1.5 * len(rows())


@on_sqlite
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_soon_and_another_takes_over_at_once(run, store, number):
    first = run("one", "audit_log", "--follow", "--lease", "60")
    first.wait_for_log("filling the audit table as 'table'")
    second = run("two", "audit_log", "--follow", "--lease", "60")
    second.wait_for_log("standing by: ")
    first.signal(number)
    asked = time.monotonic()
    assert first.wait() == 0
    assert time.monotonic() - asked < 2.5
    refs = open_some(store, 1)
    wait_until(lambda: rows() == once(*refs, ended=False), "the other one to go on")
    assert "Traceback" not in first.log


@on_sqlite
def test_one_that_is_killed_is_replaced_when_its_lease_is_over(run, store):
    first, second = run("one"), run("two")
    wait_until(lambda: "filling" in first.log + second.log, "one to begin")
    holder, other = (first, second) if "filling" in first.log else (second, first)
    other.wait_for_log("standing by: ")
    holder.kill()
    refs = open_some(store, 1)
    wait_until(lambda: rows() == once(*refs, ended=False), "the other one to take over")


@on_sqlite
def test_a_second_signal_leaves_at_once(run, store):
    with RedisServer() as server:
        follower = run(url=server.url, TEST_REDIS_TIMEOUT="30")
        follower.wait_for_log("filling")
        server.pause()
        follower.signal(signal.SIGTERM)
        wait_until(lambda: follower.running, "it to wait for Redis")
        follower.signal(signal.SIGINT)
        follower.signal(signal.SIGTERM)
        assert follower.wait() == 130
        server.resume()


@on_sqlite
def test_a_redis_that_is_away_is_waited_for_and_that_is_said_once(run, tmp_path, database):
    with RedisServer(appendonly=True, appendfsync="always") as server:
        server.stop()
        follower = run(url=server.url)
        follower.wait_for_log("waiting: Redis at 127.0.0.1")
        server.start()
        follower.wait_for_log("going on after")
        store = Store(Config(redis_url=server.url, redis_timeout=15))
        refs = open_some(store, 10)
        server.kill()
        follower.wait_for_log("waiting: Redis", 2)
        server.start()
        end(store, *refs)
        wait_until(lambda: rows() == once(*refs), "all rows")
        assert follower.log.count("waiting: ") == 2
        follower.signal(signal.SIGTERM)
        assert follower.wait() == 0
        assert "Traceback" not in follower.log


def test_a_database_that_is_away_is_waited_for_and_that_is_said_once(run, store, database, request):
    follower = run()
    refs = open_some(store, 20)
    wait_until(lambda: rows() == once(*refs, ended=False), "the first rows")
    connections[ALIAS].close()
    bring_back = take_away(database, request)
    end(store, *refs)
    follower.wait_for_log("waiting: the database: ")
    assert waiting(store) == 20
    bring_back()
    follower.wait_for_log("going on after")
    wait_until(lambda: rows() == once(*refs), "all rows")
    assert follower.log.count("waiting: ") == 1
    assert "Traceback" not in follower.log


def take_away(database, request):
    """Make a database unusable; return what makes it usable again."""
    if database.vendor != "sqlite3":
        server = request.getfixturevalue("postgres" if database.vendor == "postgresql" else "maria")
        server.stop()
        return server.start
    other = sqlite3.connect(database.settings["NAME"], isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other.close


def test_a_stop_while_the_database_is_locked_is_soon_heard(run, store, database):
    follower = run()
    refs = open_some(store, 1)
    wait_until(lambda: rows() == once(*refs, ended=False), "the first row")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("BEGIN EXCLUSIVE" if database.vendor == "sqlite3" else "BEGIN")
        if database.vendor != "sqlite3":
            cursor.execute("SELECT * FROM django_hooks_auditfollower FOR UPDATE")
        end(store, *refs)
        follower.wait_for_log("waiting: the database: ")
        follower.signal(signal.SIGTERM)
        asked = time.monotonic()
        assert follower.wait() == 0
        assert time.monotonic() - asked < 2.5
        cursor.execute("ROLLBACK")


@on_sqlite
def test_a_table_that_is_not_there_yet_is_waited_for(run, store):
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("ALTER TABLE django_hooks_auditfollower RENAME TO away")
    follower = run()
    follower.wait_for_log("has manage.py migrate been run?")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO django_hooks_auditfollower")
    refs = open_some(store, 1)
    wait_until(lambda: rows() == once(*refs, ended=False), "the row")


@on_sqlite
def test_once_stores_what_waits_and_says_so(run, store):
    refs = open_some(store, 30)
    end(store, refs[0])
    command = run("once", "audit_log", "--json")
    assert command.wait() == 0
    assert json.loads(command.log) == {"new": 31, "known": 0, "refused": 0, "complete": True}
    assert rows() == once(refs[0]) + once(*refs[1:], ended=False)
    assert len(command.heard) == 31
    again = run("again", "audit_log")
    assert again.wait() == 0
    assert again.log == "0 events stored\n"


@on_sqlite
def test_once_beside_a_follower_waits_until_that_one_has_stored_it(run, store):
    follower = run("one", "audit_log", "--follow", "--lease", "60")
    follower.wait_for_log("filling")
    follower.signal(signal.SIGSTOP)
    refs = open_some(store, 3)
    command = run("once", "audit_log", "--json")
    wait_until(lambda: command.running, "it to wait")
    follower.signal(signal.SIGCONT)
    assert command.wait() == 0
    assert rows() == once(*refs, ended=False)
    assert json.loads(command.log)["complete"]


@on_sqlite
def test_once_without_redis_fails_in_a_sentence(run):
    with RedisServer() as server:
        pass
    command = run("once", "audit_log", url=server.url)
    assert command.wait() == 1
    assert "CommandError: Redis at 127.0.0.1" in command.log
    assert "Traceback" not in command.log
