from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from session_store.throttle import Throttle


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds that it shows."""
        return self.now


def test_a_thing_happens_once_in_the_given_time():
    clock = Clock()
    throttle = Throttle(seconds=60, clock=clock)
    allowed = []
    for now in (0, 0, 59.9, 60, 61, 119.9, 120):
        clock.now = now
        allowed.append(throttle.allows("record"))
    assert allowed == [True, False, False, True, False, False, True]


def test_kinds_do_not_wait_for_each_other():
    throttle = Throttle(seconds=60, clock=Clock())
    assert [throttle.allows(kind) for kind in ("record", "cookie", "record")] == [True, True, False]


def test_the_first_of_a_kind_is_allowed_however_young_the_clock_is():
    clock = Clock()
    clock.now = 0.001
    assert Throttle(seconds=60, clock=clock).allows("record")


@given(st.lists(st.floats(0, 50), max_size=50))
def test_what_is_allowed_is_never_closer_than_the_given_time(steps):
    clock, allowed = Clock(), []
    throttle = Throttle(seconds=60, clock=clock)
    for step in steps:
        clock.now += step
        if throttle.allows("record"):
            allowed.append(clock.now)
    assert all(later - earlier >= 60 for earlier, later in pairwise(allowed))
