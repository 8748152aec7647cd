from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from session_store import StoreUnavailable
from tests.wait import wait_until
from worker import loop as loop_module
from worker.health import Health
from worker.loop import Loop


class Steps:
    """A role that does what it is told to, step by step; the last of it again and again."""

    name = "stepper"

    def __init__(self, *steps: float | Exception) -> None:
        self._left = list(steps)
        self.steps = self.resets = 0

    def step(self) -> float:
        self.steps += 1
        what = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(what, Exception):
            raise what
        return what

    def reset(self) -> None:
        self.resets += 1


class Running:
    """A loop that runs."""

    def __init__(self, role: Steps) -> None:
        self.role = role
        self.health = Health()
        self.stop = threading.Event()
        self.back: list[str] = []
        self.loop = Loop(role, self.stop, health=self.health, on_back=self.back.append)
        self.loop.start()


@pytest.fixture
def run(monkeypatch) -> Iterator[Callable[..., Running]]:
    """Run a role in a loop that does not wait long after a failure."""
    monkeypatch.setattr(loop_module, "RETRY", 0.01)
    monkeypatch.setattr(loop_module, "CAUTION", 0.01)
    started: list[Running] = []

    def start(*steps: float | Exception) -> Running:
        started.append(Running(Steps(*steps)))
        return started[-1]

    yield start
    for running in started:
        running.stop.set()
        running.loop.join(5)
        assert not running.loop.is_alive()


AWAY = StoreUnavailable("127.0.0.1:1", "refused")


def test_a_role_is_stepped_until_it_is_stopped_and_then_reset(run):
    running = run(0.0)
    wait_until(lambda: running.role.steps > 10, "ten steps")
    assert running.role.resets == 0
    running.stop.set()
    running.loop.join(5)
    done = running.role.steps
    assert running.role.resets == 1
    assert running.role.steps == done


def test_a_stop_interrupts_a_pause_of_any_length_at_once(run):
    running = run(3600.0)
    wait_until(lambda: running.role.steps == 1, "the first step")
    start = time.monotonic()
    running.stop.set()
    running.loop.join(5)
    assert not running.loop.is_alive()
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("error", [StoreUnavailable("127.0.0.1:1", "refused"), ValueError("odd")])
def test_a_stop_interrupts_the_wait_after_a_failure_too(run, monkeypatch, error):
    monkeypatch.setattr(loop_module, "RETRY", 3600.0)
    monkeypatch.setattr(loop_module, "CAUTION", 3600.0)
    running = run(error)
    wait_until(lambda: running.role.steps == 1, "the first step")
    start = time.monotonic()
    running.stop.set()
    running.loop.join(5)
    assert time.monotonic() - start < 0.5


def test_a_role_that_raises_is_reset_said_once_and_goes_on(run, caplog):
    running = run(ValueError("an odd entry"), KeyError("another"), ValueError("and another"), 0.0)
    wait_until(lambda: running.role.steps > 10, "it to go on")
    assert running.role.resets == 3
    assert caplog.text.count("stepper failed; it goes on in") == 1
    assert "an odd entry" in caplog.text
    assert "another" not in caplog.text
    assert running.back == []


def test_a_role_that_always_raises_does_not_spin(run, monkeypatch):
    monkeypatch.setattr(loop_module, "CAUTION", 0.2)
    start = time.monotonic()
    running = run(ValueError("always"))
    wait_until(lambda: time.monotonic() - start > 0.5, "half a second")
    steps = running.role.steps
    assert steps <= 1 + (time.monotonic() - start) / 0.2


def test_a_redis_that_is_away_is_said_once_and_so_is_its_return(run, caplog):
    caplog.set_level("INFO")
    running = run(AWAY, AWAY, AWAY, 0.0)
    wait_until(lambda: running.role.steps > 10, "it to go on")
    assert running.role.resets == 3
    assert caplog.text.count("stepper waits: ") == 1
    assert caplog.text.count("stepper goes on after") == 1
    assert running.back == ["a reconnect"]


def test_each_absence_is_one_of_its_own(run, caplog):
    running = run(AWAY, 0.0, AWAY, AWAY, 0.0)
    wait_until(lambda: running.role.steps > 10, "it to go on")
    assert caplog.text.count("stepper waits: ") == 2
    assert running.back == ["a reconnect", "a reconnect"]


def test_while_redis_is_away_the_role_is_away_but_not_stuck(run):
    running = run(0.0, AWAY)
    wait_until(lambda: "stepper" in running.health.away, "the role to be away")
    assert running.health.stuck() == []


def test_a_role_with_nothing_to_do_for_long_is_not_stuck(run, monkeypatch):
    from worker import health

    monkeypatch.setattr(health, "STUCK", 1.3)
    running = run(3600.0)
    start = time.monotonic()
    wait_until(lambda: running.health.stuck() or time.monotonic() - start > 1.7, "a while")
    assert running.health.stuck() == []


def test_a_role_that_hangs_in_a_step_is_stuck(run, monkeypatch):
    from worker import health

    monkeypatch.setattr(health, "STUCK", 0.3)
    go = threading.Event()
    running = run(0.0)
    wait_until(lambda: running.role.steps, "the first step")
    running.role.step = lambda: go.wait(10) and 0.0
    wait_until(lambda: running.health.stuck() == ["stepper"], "it to be stuck")
    go.set()
    wait_until(lambda: running.health.stuck() == [], "it to go on")
