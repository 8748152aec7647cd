from __future__ import annotations

from session_store import Ref
from session_store.keys import Keys
from session_store.sessions import Due
from worker.agenda import Agenda

from .clock import Clock

ONE, OTHER = SHARDS = Keys("sso", 2).shards


def test_a_shard_is_asked_when_it_said_or_after_a_while_or_at_once_where_something_is_due():
    clock = Clock()
    agenda = Agenda(SHARDS, clock=clock)
    assert agenda.left < 0
    agenda.note(ONE, Due(5, 250, []), look=0.5)
    agenda.note(OTHER, Due(5, None, []), look=0.5)
    assert agenda.left == 0.25
    assert not agenda.asks(ONE)
    clock.now += 0.25
    assert agenda.asks(ONE)
    assert not agenda.asks(OTHER)
    agenda.note(ONE, Due(5, 60_000, []), look=0.5)
    assert agenda.left == 0.25
    clock.now += 0.25
    assert agenda.asks(OTHER)
    assert not agenda.asks(ONE)
    agenda.note(OTHER, Due(5, 60_000, [Ref(1, "x" * 22)]), look=0.5)
    assert agenda.asks(OTHER)
    agenda.note(OTHER, Due(5, 60_000, []), look=0.5)
    agenda.clear()
    assert agenda.asks(ONE)
    assert agenda.asks(OTHER)
