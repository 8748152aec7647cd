from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.refused import Refused

from .lines import end, start


@given(kept=st.lists(st.text(max_size=4)), asked=st.text(max_size=4))
def test_it_holds_what_a_set_holds(kept, asked):
    refused = Refused(iter(kept))
    assert (asked in refused) == (asked in set(kept))
    assert all(one in refused for one in kept)
    assert len(refused) == len(kept)


def test_an_empty_one_refuses_nothing():
    assert start(1).id not in Refused()
    assert not len(Refused())


def test_a_start_and_an_end_of_one_session_are_two_things():
    refused = Refused([start(1).id])
    assert start(1).id in refused
    assert end(1).id not in refused
    assert start(11).id not in refused


def test_many_are_told_from_as_many_others():
    refused = Refused(start(number).id for number in range(0, 40_000, 2))
    assert all((start(number).id in refused) == (number % 2 == 0) for number in range(40_000))
