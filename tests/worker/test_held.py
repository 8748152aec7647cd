from __future__ import annotations

from session_store import Ref
from worker.held import KEPT, MOST, TOGETHER, Held

from .clock import Clock


def ends(*numbers: int) -> list[tuple[str, Ref]]:
    return [("evicted", Ref(0, f"{number:022d}")) for number in numbers]


def test_what_is_held_is_given_after_a_while_and_together():
    clock = Clock()
    held = Held(clock=clock)
    held.add(ends(1))
    clock.now += TOGETHER / 2
    held.add(ends(2))
    clock.now += TOGETHER
    held.add(ends(3))
    clock.now += KEPT - TOGETHER
    assert held.take_old() == []
    clock.now += 0.75 * TOGETHER
    assert held.take_old() == ends(1, 2)
    assert len(held) == 1
    assert held.take_all() == ends(3)
    assert held.take_all() == held.take_old() == []


def test_of_too_many_the_oldest_are_given_early():
    held = Held(clock=Clock())
    held.add(ends(*range(MOST // 2)))
    assert held.take_old() == []
    held.add(ends(MOST, MOST + 1))
    assert held.take_old() == ends(0, 1)


def test_memory_is_bounded():
    held = Held(clock=Clock())
    held.add(ends(*range(MOST + 5)))
    assert len(held) == MOST
    assert held.take_all()[0] == ends(5)[0]
