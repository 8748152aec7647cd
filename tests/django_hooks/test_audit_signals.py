"""Who wants to know that a session has started or ended is told, at least once, after the row is committed."""

from __future__ import annotations

import logging
import threading

import pytest

from django_hooks.models import AuditEvent
from django_hooks.signals import session_ended, session_started
from session_store.throttle import Throttle

from .audit import Killed, die, end, forget_lease, open_some, store_all

#: What is told does not depend on the kind of database.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """The ids that a receiver of both signals is told, in order; each row is in the table by then."""
    heard: list[str] = []

    def hear(sender, event_id, row, **words) -> None:
        assert sender is AuditEvent
        assert AuditEvent.objects.filter(pk=row.pk).exists()
        assert event_id == row.event_id
        assert words.get("reason", "") == row.reason
        heard.append(event_id)

    for signal in (session_started, session_ended):
        monkeypatch.setattr(signal, "receivers", [])
        monkeypatch.setattr(signal, "_throttle", Throttle(seconds=60))
        signal.connect(hear, weak=False)
    return heard


def ids(*refs, action: str) -> list[str]:
    return [f"{ref.sid}-{action}" for ref in refs]


def test_starts_and_ends_are_told_in_their_order_once(store, follower, told):
    refs = open_some(store, 3)
    end(store, *refs[:2])
    ours = follower()
    store_all(ours, store)
    store_all(ours, store)
    assert told == ids(*refs, action="start") + ids(*refs[:2], action="end")
    forget_lease(store)
    store_all(follower(), store)
    assert len(told) == 5


#: Where a follower may die after the rows are committed, and how many of the two events are told twice then.
MOMENTS = [
    (("django_hooks.audit.table.AuditTable._store", "after"), 0),
    (("session_store.audit.AuditReader.acknowledge", "after"), 0),
    (("django_hooks.audit.table.AuditTable.untold", "after"), 0),
    (("django_hooks.audit.table.AuditTable.note_told", "before"), 2),
    (("django_hooks.audit.table.AuditTable.note_told", "after"), 0),
]


@pytest.mark.parametrize(("death", "twice"), MOMENTS)
def test_a_death_after_the_commit_keeps_nothing_from_being_told(store, follower, told, death, twice):
    refs = open_some(store, 2)
    with pytest.MonkeyPatch.context() as patch:
        die(patch, *death)
        with pytest.raises(Killed):
            store_all(follower(), store)
    forget_lease(store)
    store_all(follower(), store)
    assert sorted(set(told)) == sorted(ids(*refs, action="start"))
    assert len(told) == 2 + twice


def test_a_death_before_the_commit_tells_nothing_that_is_not_there(store, follower, told, monkeypatch):
    refs = open_some(store, 2)
    with monkeypatch.context() as patch:
        die(patch, "django.db.models.QuerySet.bulk_create", "after")
        with pytest.raises(Killed):
            store_all(follower(), store)
    assert told == []
    forget_lease(store)
    store_all(follower(), store)
    assert told == ids(*refs, action="start")


def test_a_redis_that_goes_back_repeats_no_signal(store, follower, told):
    refs = open_some(store, 2)
    stream = store.keys.shards[0].audit
    entries = [fields for _, fields in store.redis.xrange(stream)]
    store_all(follower(), store)
    for fields in entries:
        store.redis.xadd(stream, fields)
    forget_lease(store)
    store_all(follower(), store)
    assert told == ids(*refs, action="start")


def test_what_came_while_nobody_wanted_to_know_is_not_told_later(store, follower, monkeypatch):
    for signal in (session_started, session_ended):
        monkeypatch.setattr(signal, "receivers", [])
    open_some(store, 2)
    ours = follower()
    store_all(ours, store)
    heard = []
    session_started.connect(lambda event_id, **_: heard.append(event_id), weak=False)
    later = open_some(store, 1)
    store_all(ours, store)
    assert heard == ids(*later, action="start")


def test_a_receiver_that_fails_keeps_nobody_from_being_told_and_says_so_once_a_kind(
    store, follower, told, monkeypatch, caplog
):
    def broken(row, **_) -> None:
        raise LookupError(row.event_id)

    session_started.connect(broken, weak=False)
    refs = open_some(store, 3)
    caplog.set_level(logging.INFO)
    store_all(follower(), store)
    assert told == ids(*refs, action="start")
    failures = [record for record in caplog.records if "failed at what it was told" in record.getMessage()]
    assert len(failures) == 1
    assert "broken" in failures[0].getMessage()
    assert failures[0].exc_info
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_a_stop_ends_the_telling_and_the_rest_is_told_next_time(store, follower, stop, told):
    refs = open_some(store, 5)
    session_started.connect(lambda **_: stop.set(), weak=False)
    store_all(follower(), store)
    assert told == ids(refs[0], action="start")
    forget_lease(store)
    store_all(follower(stop=threading.Event()), store)
    assert told == ids(*refs, action="start")


def test_more_than_a_page_of_rows_is_told_page_by_page(store, follower, told, monkeypatch):
    from django_hooks.audit import teller

    monkeypatch.setattr(teller, "PAGE", 2)
    refs = open_some(store, 7)
    ours = follower()
    store_all(ours, store)
    assert len(told) < 7
    ours.tell_all()
    assert told == ids(*refs, action="start")


def test_a_stop_in_the_middle_of_telling_all_is_heard(store, follower, stop, told, monkeypatch):
    from django_hooks.audit import teller

    monkeypatch.setattr(teller, "PAGE", 2)
    refs = open_some(store, 7)
    ours = follower()
    store_all(ours, store)
    session_started.connect(lambda **_: stop.set(), weak=False)
    ours.tell_all()
    assert len(told) < len(refs)
