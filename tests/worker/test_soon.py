from __future__ import annotations

import threading

import pytest

from session_store import Person, Record
from session_store.events import Event
from session_store.keys import Keys
from worker.soon import Soon, deadline_of

from .lines import DAWN, end, sid

MINUTE = 60_000

ONE, OTHER = Keys("sso", 2).shards


def start(expires: int, idle: int | None = None) -> Event:
    """The start of a session that lives until then."""
    return Event("1-1", "start", sid(1), DAWN, record=Record(Person("7", "sally"), DAWN, expires, idle))


@pytest.mark.parametrize(
    ("idle", "deadline"), [(None, DAWN + 5 * MINUTE), (MINUTE, DAWN + MINUTE), (9 * MINUTE, DAWN + 5 * MINUTE)]
)
def test_a_session_that_begins_is_to_end_by_whichever_comes_first(idle, deadline):
    assert deadline_of(start(DAWN + 5 * MINUTE, idle)) == deadline


def test_a_session_without_record_has_no_deadline_to_wait_for():
    assert deadline_of(Event("1-1", "start", sid(1), DAWN)) == float("inf")


@pytest.mark.parametrize(("deadline", "wakes"), [(DAWN + 1, True), (DAWN + MINUTE, False), (DAWN + MINUTE + 1, False)])
def test_only_a_nearer_deadline_wakes(deadline, wakes):
    soon = Soon()
    soon.begin([ONE])
    soon.expect(ONE, DAWN + MINUTE)
    soon.tell(ONE, [start(deadline), start(DAWN + 2 * MINUTE)])
    assert soon.wait(0) is wakes


def test_ends_wake_nobody():
    soon = Soon()
    soon.begin([ONE])
    soon.tell(ONE, [end(1), end(2)])
    soon.tell(ONE, [])
    assert not soon.wait(0)


def test_what_is_told_while_redis_is_asked_is_not_forgotten():
    soon = Soon()
    soon.begin([ONE])
    soon.tell(ONE, [start(DAWN + 1)])
    soon.expect(ONE, DAWN + MINUTE)
    assert soon.wait(0)
    soon.begin([ONE])
    assert not soon.wait(0)


def test_a_wait_ends_when_a_deadline_is_told():
    soon = Soon()
    soon.begin([ONE])
    teller = threading.Thread(target=soon.tell, args=(ONE, [start(DAWN + 1)]))
    teller.start()
    assert soon.wait(10)
    teller.join()


def test_each_shard_has_deadlines_of_its_own():
    soon = Soon()
    soon.begin([ONE, OTHER])
    soon.expect(ONE, DAWN)
    soon.expect(OTHER, DAWN + MINUTE)
    soon.tell(ONE, [start(DAWN + 1)])
    assert not soon.wait(0)
    soon.tell(OTHER, [start(DAWN + 1)])
    assert soon.wait(0)
    assert soon.told == {OTHER}
    soon.begin([ONE])
    assert soon.wait(0)
    soon.begin([OTHER])
    assert not soon.wait(0)
