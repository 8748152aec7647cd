from __future__ import annotations

import pytest
from msgspec.structs import replace

from session_store import Config, Person, Ref, Store
from session_store.entries import events_of
from session_store.events import Event
from session_store.presence import BATCH, list_online, online_history, report_member
from tests.wait import wait_until
from worker.presence_pruner import LOOK, MOST, TIDY, PresencePruner

WINDOW = 900_000


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pruner(store: Store, clock: Clock) -> PresencePruner:
    return PresencePruner(store=store, clock=clock)


def seen(store: Store, user_id: str = "1", *, window: int | None = WINDOW) -> None:
    assert store.run(report_member(store.keys.online, user_id, f"user {user_id}", window=window))


def ended(store: Store, ref: Ref, reason: str = "logout") -> Event:
    """End a session, and return what the audit log is told of it."""
    assert store.end(ref, reason) == reason
    stream = store.keys.shards[ref.shard].audit
    ((position, fields),) = store.redis.xrevrange(stream, count=1)
    (event,) = events_of(position, fields, stream)
    return event


def end(store: Store, pruner: PresencePruner, ref: Ref, reason: str = "logout") -> None:
    pruner.note([ended(store, ref, reason)])


def online(store: Store) -> list[str]:
    return [member.user_id for member in store.run(list_online(store.keys.online, window=WINDOW, limit=100)).seen]


def test_where_nobody_counts_it_looks_rarely_and_leaves_nothing(store, pruner):
    assert pruner.step() == TIDY
    assert list(store.redis.scan_iter()) == []


def test_whose_last_session_has_ended_is_taken_off(store, pruner, open_session):
    ref = open_session()
    seen(store)
    assert pruner.step() == LOOK
    assert online(store) == ["1"]
    end(store, pruner, ref, "revoked")
    pruner.step()
    assert online(store) == []


def test_who_has_another_session_stays(store, pruner, open_session):
    first, second = open_session(), open_session()
    seen(store)
    pruner.step()
    end(store, pruner, first)
    pruner.step()
    assert online(store) == ["1"]
    end(store, pruner, second)
    pruner.step()
    assert online(store) == []


def test_who_was_seen_after_the_end_stays(store, pruner, open_session):
    ref = open_session()
    seen(store)
    pruner.step()
    end(store, pruner, ref)
    (member,) = store.run(list_online(store.keys.online, window=WINDOW, limit=1)).seen
    store.redis.zadd(store.keys.online.members, {"1": member.seen + 1000})
    pruner.step()
    assert online(store) == ["1"]


@pytest.mark.parametrize("reason", ["lost", "evicted", "deleted"])
def test_whose_session_redis_lost_is_still_there(store, pruner, open_session, reason):
    ref = open_session()
    seen(store)
    pruner.step()
    end(store, pruner, ref, reason)
    pruner.step()
    assert online(store) == ["1"]


def test_sessions_in_several_shards_are_found(redis_server, raw, open_session):
    store = Store(Config(redis_url=redis_server.url, redis_shards=3))
    pruner = PresencePruner(store=store)
    for number in range(6):
        seen(store, str(number))
    pruner.step()
    for number in range(6):
        end(store, pruner, open_session(user_id=str(number), store=store))
    pruner.step()
    assert online(store) == []


def test_more_than_it_holds_is_passed_over_and_the_next_is_seen(store, pruner, open_session):
    seen(store)
    pruner.step()
    event = ended(store, open_session(user_id="x"))
    many = [replace(event, record=replace(event.record, person=Person(str(n), "x"))) for n in range(MOST + 5)]
    pruner.note(many)
    assert len(pruner._ended) == MOST
    for _ in range(MOST // BATCH):
        pruner.step()
    end(store, pruner, open_session())
    pruner.step()
    assert online(store) == []


def test_ends_without_a_record_and_starts_mean_nothing(store, pruner, open_session):
    seen(store)
    pruner.step()
    event = ended(store, open_session())
    pruner.note([replace(event, record=None), replace(event, action="start", reason=None)])
    pruner.step()
    assert online(store) == ["1"]


def test_it_forgets_who_was_not_seen_for_long_batch_by_batch(store, pruner, clock):
    seen(store)
    store.redis.zadd(store.keys.online.members, {f"old {number}": 1 for number in range(1200)})
    assert pruner.step() <= LOOK
    clock.now += LOOK
    store.redis.hdel(store.keys.online.state, "noted")
    assert pruner.step() <= LOOK
    clock.now += LOOK
    store.redis.hdel(store.keys.online.state, "noted")
    pruner.step()
    assert store.redis.zcard(store.keys.online.members) == 1


def test_a_worker_notes_the_history_and_takes_off_whose_session_ran_out(store, start_worker, open_session):
    seen(store, "2")
    worker = start_worker()
    worker.wait_for_log("started")
    wait_until(lambda: store.run(online_history(store.keys.online))[1], "a note in the history")
    open_session(age=300)
    seen(store)
    wait_until(lambda: online(store) == ["2"], "user 1 to be taken off", 5)
    assert worker.stop() == 0
