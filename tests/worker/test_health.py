from __future__ import annotations

import time

import pytest

from session_store.backlog import TOO_MANY
from worker import health as health_module
from worker.health import Health


def ready(**facts: object) -> Health:
    """A worker that can be relied on, but for some facts."""
    return Health(**{"hearing": True, "flags_missing": "", "writable": True, **facts})


def failing(health: Health) -> dict[str, str]:
    return {verdict.name: verdict.text for verdict in health.readiness() if not verdict.holds}


def test_a_worker_that_has_just_started_is_not_ready():
    assert set(failing(Health())) == {"hearing", "audit log"}


def test_one_that_hears_and_writes_is_ready():
    assert failing(ready()) == {}


@pytest.mark.parametrize(
    ("facts", "name", "word"),
    [
        ({"hearing": False}, "hearing", "no notification"),
        ({"hearing": None}, "hearing", "no notification"),
        ({"flags_missing": "x"}, "flags", "lacks x"),
        ({"writable": False}, "audit log", "wait in Redis"),
        ({"writable": None}, "audit log", "wait in Redis"),
        ({"backlog": TOO_MANY}, "backlog", "100000 entries"),
    ],
)
def test_each_condition_alone_makes_it_not_ready_and_has_a_word_on_it(facts, name, word):
    assert word in failing(ready(**facts))[name]
    assert len(failing(ready(**facts))) == 1


def test_a_backlog_just_below_the_bound_is_none():
    assert failing(ready(backlog=TOO_MANY - 1)) == {}


def test_one_that_stands_by_need_not_write():
    assert failing(ready(standby=True, writable=None)) == {}


def test_one_that_hears_though_it_cant_read_the_flags_is_ready():
    assert failing(ready(flags_missing=None)) == {}


def test_a_redis_that_is_away_from_one_role_is_away_until_that_role_is_back():
    health = ready()
    health.tick("sweeper", away=True)
    health.tick("listener")
    assert failing(health) == {"connected": "Redis is away from: sweeper"}
    health.tick("sweeper")
    assert failing(health) == {}


def test_a_role_that_finishes_no_step_is_stuck_until_it_does(monkeypatch):
    now = time.monotonic()
    health = ready()
    health.tick("sweeper")
    assert health.stuck() == []
    monkeypatch.setattr(health_module.time, "monotonic", lambda: now + 20)
    health.tick("listener")
    assert health.stuck() == ["sweeper"]
    assert failing(health) == {"working": "stuck: sweeper"}
    health.tick("sweeper")
    assert health.stuck() == []
