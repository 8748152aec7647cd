"""What the audit table's tests talk about: sessions, rows, and a follower's death."""

from __future__ import annotations

from collections import Counter

from django.utils.module_loading import import_string

from django_hooks.audit.follower import Follower
from django_hooks.models import AuditEvent
from session_store import Person, Ref, Store
from session_store.audit import Batch
from session_store.entries import sids_of
from tests.session_store.samples import HOUR, opened, ref_of
from tests.wait import wait_until


class Killed(BaseException):
    """As SIGKILL: nothing of ours handles it."""


def forget_lease(store: Store) -> None:
    """As if enough time had gone by since its holder died."""
    store.redis.delete(store.keys.shards[0].job("table"))


def rows() -> Counter[str]:
    return Counter(row.event_id for row in AuditEvent.objects.all())


def row_of(ref: Ref, action: str = "end"):
    return AuditEvent.objects.get(sid=ref.sid, action=action)


def once(*refs: Ref, ended: bool = True) -> Counter[str]:
    return Counter(f"{ref.sid}-{action}" for ref in refs for action in (("start", "end") if ended else ("start",)))


def open_some(store: Store, count: int, *, age: int = HOUR) -> list[Ref]:
    return [ref_of(opened(store, Person(str(i), f"user{i}"), age=age), Person(str(i), "")) for i in range(count)]


def end(store: Store, *refs: Ref) -> None:
    assert len(store.end_all(refs, "logout")) == len(refs)


def waiting(store: Store) -> int:
    """Return how many starts and ends wait."""
    return sum(len(sids_of(fields)) for _, fields in store.redis.xrange(store.keys.shards[0].audit))


def store_all(follower: Follower, store: Store) -> None:
    """Step until all that waits is stored."""

    def stored() -> bool:
        follower.step()
        return waiting(store) == 0

    wait_until(stored, "everything to be stored")


def read_batch(follower: Follower) -> Batch:
    """Have a follower read what waits, and do no more."""
    reader = follower._lanes[0]._reader
    assert reader is not None
    return wait_until(reader.read, "a batch")[0]


def die(monkeypatch, method: str, moment: str) -> None:
    """Have the next call of a method be the last thing that happens."""
    path, _, name = method.rpartition(".")
    owner = import_string(path)
    kept = getattr(owner, name)

    def dying(*positional, **named):
        if moment == "after":
            kept(*positional, **named)
        raise Killed

    monkeypatch.setattr(owner, name, dying)
