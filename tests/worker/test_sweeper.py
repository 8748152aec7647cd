from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from session_store import Ref, Store, verbs
from session_store.ahead import Ahead
from session_store.audit import AuditReader
from session_store.events import Event
from tests.session_store.samples import SALLY, ends, new_token, server_time, wait_past
from tests.wait import wait_until
from worker import sweeper
from worker.health import Health
from worker.lane import lanes_of
from worker.metrics import Metrics
from worker.report import Report
from worker.sweeper import LOOK_FOLLOWING, NAP, Sweeper


class Rig:
    """A sweeper, and what it is put together with."""

    def __init__(self, store: Store) -> None:
        health = Health()
        (self.lane,) = lanes_of(store)
        self.report = Report(Metrics(health), health)
        self.sweeper = Sweeper(store=store, lane=self.lane, report=self.report, worker="a")

    def sweep_until(self, condition: Callable[[], bool], what: str) -> None:
        """Step until the condition holds."""

        def step() -> bool:
            assert self.sweeper.step() == 0.0
            return condition()

        wait_until(step, what)


def test_what_is_due_ends_and_is_remembered(store, open_session):
    ref, rig = open_session(age=1), Rig(store)
    rig.sweep_until(lambda: store.count() == 0, "the end")
    assert ref.sid in rig.lane.recent
    assert rig.report.take()[0] == {"expired": 1}


def test_while_it_is_told_of_sessions_it_asks_redis_seldom(store, open_session):
    open_session()
    rig = Rig(store)
    rig.lane.soon.following = True
    began = time.monotonic()
    rig.sweeper.step()
    store.redis.config_resetstat()
    for _ in range(4):
        rig.sweeper.step()
    asked = store.redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    assert asked <= (time.monotonic() - began) // LOOK_FOLLOWING
    assert LOOK_FOLLOWING > 4 * NAP


def test_a_nearer_deadline_that_it_is_told_of_is_kept(store, open_session):
    rig = Rig(store)
    open_session()
    rig.lane.soon.following = True
    rig.sweeper.step()
    ref = open_session(age=20)
    rig.lane.soon.tell(store.keys.shards[0], [_start_of(store, ref)])
    rig.sweep_until(lambda: store.count() == 1, "the end")
    assert ref.sid in rig.lane.recent


def test_after_a_failure_it_finds_what_was_due_again(store, open_session):
    ref, rig = open_session(age=1), Rig(store)
    rig.sweep_until(lambda: ref.sid in rig.lane.recent, "the session to be found")
    rig.sweeper.reset()
    rig.sweep_until(lambda: store.count() == 0, "the end")


def _start_of(store: Store, ref: Ref) -> Event:
    reader = AuditReader(store, "test", wait=0.01)
    reader.attach()
    (found,) = [event for batch in reader.read() for event in batch.events if event.sid == ref.sid]
    reader.close()
    return found


def test_one_that_fails_while_it_is_behind_keeps_nobody_waiting(store):
    rig = Rig(store)
    rig.lane.behind.set()
    rig.sweeper.reset()
    assert not rig.lane.behind.is_set()


def test_it_is_behind_by_how_much_is_due_over_however_many_shards_that_is_spread(store, monkeypatch):
    monkeypatch.setattr(verbs, "BATCH", 5)
    monkeypatch.setattr(sweeper, "MANY", 4)
    spread = Store(replace(store.config, redis_shards=4))
    rig = Rig(spread)
    for keys in spread.keys.shards:
        for _ in range(6):
            assert spread.open(new_token(keys.number), SALLY, age=1).lives
    wait_past(store, server_time(store) + 1)
    rig.sweep_until(lambda: rig.lane.behind.is_set() or spread.count() == 0, "it to be behind")
    assert rig.lane.behind.is_set()
    rig.sweep_until(lambda: spread.count() == 0, "the ends")
    rig.sweep_until(lambda: not rig.lane.behind.is_set(), "it to have caught up")


class Watched:
    """What a sweeper receives in a rush: how many batches were under way each time, and the sids that it found."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.under_way: list[int] = []
        self.found: list[str] = []
        receive = Ahead.receive

        def watch(ahead: Ahead) -> list[Any]:
            self.under_way.append(len(ahead))
            answers = receive(ahead)
            self.found.extend(ref.sid for ref in answers[-1].refs)
            return answers

        monkeypatch.setattr(Ahead, "receive", watch)


@pytest.mark.parametrize("flushed", [False, True])
def test_while_very_many_are_due_two_batches_are_under_way_and_each_session_ends_once(
    store, open_session, monkeypatch, flushed
):
    monkeypatch.setattr(verbs, "BATCH", 10)
    monkeypatch.setattr(sweeper, "MANY", 1)
    rig, refs = Rig(store), [open_session(age=1) for _ in range(200)]
    wait_past(store, server_time(store) + 1)
    wait_until(lambda: rig.sweeper.step() or rig.lane.behind.is_set(), "it to be behind")
    watched = Watched(monkeypatch)
    if flushed:
        store.redis.script_flush()
    rig.sweep_until(lambda: store.count() == 0, "the ends")
    assert ends(store) == {ref.sid: "expired" for ref in refs}
    assert rig.report.take()[0] == {"expired": 200}
    if not flushed:
        assert watched.under_way[:10] == [2] * 10
        assert len(set(watched.found)) == len(watched.found)


def due_in_all_shards(store: Store, count: int) -> list[Ref]:
    """Have so many sessions due in each shard."""
    refs = []
    for keys in store.keys.shards:
        for _ in range(count):
            token = new_token(keys.number)
            assert store.open(token, SALLY, age=1).lives
            refs.append(Ref(keys.number, token.sid, SALLY.user_id))
    wait_past(store, server_time(store) + 1)
    return refs


@pytest.fixture
def spread(store: Store, monkeypatch) -> Store:
    monkeypatch.setattr(verbs, "BATCH", 10)
    return Store(replace(store.config, redis_shards=4))


def test_while_very_many_are_due_shards_take_turns_and_none_is_found_twice(spread, monkeypatch):
    monkeypatch.setattr(sweeper, "MANY", 4)
    monkeypatch.setattr(sweeper, "RUSH", 60)
    refs, rig = due_in_all_shards(spread, 50), Rig(spread)
    wait_until(lambda: rig.sweeper.step() or rig.lane.behind.is_set(), "it to be behind")
    watched, sent, in_turn = Watched(monkeypatch), Ahead.send, []

    def send(ahead, requests):
        (keys,) = {request.keys[0] for request in requests}
        in_turn.append(int(keys[len("sso:{")]))
        sent(ahead, requests)

    monkeypatch.setattr(Ahead, "send", send)
    rig.sweep_until(lambda: spread.count() == 0, "the ends")
    assert in_turn[:8] == [0, 1, 2, 3] * 2
    assert watched.under_way[:12] == [2] * 12
    assert len(set(watched.found)) == len(watched.found)
    assert rig.report.take()[0] == {"expired": len(refs)}


def test_what_is_due_in_many_shards_is_ended_piece_by_piece(spread, monkeypatch):
    monkeypatch.setattr(sweeper, "TOGETHER", 20)
    refs, rig = due_in_all_shards(spread, 9), Rig(spread)
    pieces, run_all = [], Store.run_all

    def watch(store, requests):
        answers = run_all(store, requests)
        pieces.append(sum(len(answer) for answer in answers if isinstance(answer, list)))
        return answers

    monkeypatch.setattr(Store, "run_all", watch)
    rig.sweep_until(lambda: spread.count() == 0, "the ends")
    assert max(pieces) == 18
    assert rig.report.take()[0] == {"expired": len(refs)}
    assert not rig.lane.behind.is_set()


def test_what_a_rush_leaves_is_ended_afterwards(spread, monkeypatch):
    monkeypatch.setattr(sweeper, "MANY", 4)
    monkeypatch.setattr(sweeper, "RUSH", 0.0)
    refs, rig = due_in_all_shards(spread, 35), Rig(spread)
    rig.sweep_until(lambda: spread.count() == 0, "the ends")
    assert rig.report.take()[0] == {"expired": len(refs)}
    rig.sweep_until(lambda: not rig.lane.behind.is_set(), "it to have caught up")
