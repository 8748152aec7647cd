from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store.recent import Recent


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_thing_may_be_done_once_in_a_while(clock):
    recent = Recent(seconds=60, clock=clock)
    assert [recent.claim("a"), recent.claim("a"), recent.claim("b")] == [True, False, True]
    clock.now += 59.9
    assert not recent.claim("a")
    clock.now += 0.1
    assert recent.claim("a")


def test_what_is_forgotten_may_be_done_again_and_what_is_noted_may_not(clock):
    recent = Recent(seconds=60, clock=clock)
    recent.claim("a")
    recent.forget("a")
    recent.forget("never")
    assert recent.claim("a")
    assert not recent.holds("b")
    recent.note("b")
    assert recent.holds("b")
    assert not recent.claim("b")


def test_it_holds_no_more_than_it_may(clock):
    recent = Recent(seconds=60, most=100, clock=clock)
    for number in range(1000):
        assert recent.claim(number)
        assert len(recent._young) + len(recent._old) <= 200
    assert not recent.claim(999)
    assert recent.claim(0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100))))
def test_it_never_allows_too_early_and_never_refuses_too_late(steps):
    clock = Clock()
    recent = Recent(seconds=60, clock=clock)
    last: dict[str, float] = {}
    for thing, pause in steps:
        clock.now += pause
        expected = clock.now >= last.get(thing, 0) + 60
        assert recent.claim(thing) is expected
        if expected:
            last[thing] = clock.now


def test_of_many_threads_one_alone_may():
    recent = Recent(seconds=60)
    gate, won = threading.Barrier(8), []

    def work() -> None:
        gate.wait()
        won.extend(thing for thing in range(500) if recent.claim(thing))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(500))


def test_a_fork_in_the_middle_leaves_the_child_able_to_go_on():
    from session_store import recent as module

    recent = Recent(seconds=60)
    with module._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if recent.claim("a") else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
