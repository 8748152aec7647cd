"""Several workers share the work without doing it twice: what they cost together, and what happens when one dies."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from session_store import Person, Ref, Store, make_nonce, make_token, verbs
from tests.wait import wait_until

from .meter import Meter
from .processes import WorkerProcess

#: The server's clients are named and watched, which the ACL users may not do, and in the clear.
pytestmark = pytest.mark.unguarded


@pytest.fixture
def crews(tmp_path: Path, redis_server, store) -> Iterator[list[WorkerProcess]]:
    """Three workers with one audit log; which one comes first, `first_of` says."""
    store.redis.config_set("notify-keyspace-events", "Kxeg")
    with ExitStack() as stack:
        workers = []
        for number in range(3):
            directory = tmp_path / str(number)
            directory.mkdir()
            url = f"{redis_server.url}?client_name=worker{number}"
            worker = stack.enter_context(
                WorkerProcess(directory, url, "--verbose", WIKI_AUDIT_LOG=str(tmp_path / "audit.jsonl"))
            )
            worker.audit_log = tmp_path / "audit.jsonl"
            workers.append(worker)
            worker.wait_for_log("listening")
        workers[0].wait_for_log("reconciled")
        yield workers


def first_of(workers: Sequence[WorkerProcess], store: Store) -> WorkerProcess:
    """Return the worker that comes first."""
    holder = wait_until(lambda: store.redis.get(store.keys.shards[0].lease), "one to come first").decode()
    return next(worker for worker in workers if f"{holder} started" in worker.log)


def open_many(store: Store, count: int, first: float, each: float) -> list[Ref]:
    """Open sessions that end one after the other: the first in so many seconds, each so many seconds later."""
    keys, now = store.keys.shards[0], time.time()
    tokens = [make_token(b"the site's", make_nonce(), 0, 0) for _ in range(count)]
    for begin in range(0, count, 500):
        opens = [
            verbs.open_session(
                keys,
                token.sid,
                Person("1", "user 1"),
                expires_at=int((now + first + each * n) * 1000),
                age=None,
                idle=None,
            )
            for n, token in enumerate(tokens[begin : begin + 500], begin)
        ]
        store.run_all(opens)
    return [Ref(0, token.sid, "1") for token in tokens]


def lateness(worker: WorkerProcess) -> dict[float, float]:
    """Seconds from each session's deadline to its line, by deadline."""
    ends = [event for event in worker.events if event["event"]["action"] == "session-ended"]
    times = [(seconds(end["@timestamp"]), seconds(end["event"]["end"])) for end in ends]
    return {due: written - due for written, due in times}


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_two_that_stand_by_cost_less_than_half_of_what_the_first_one_costs(crews, redis_server, store):
    first = crews.index(first_of(crews, store))
    refs = open_many(store, 3000, 2.0, 0.001)
    wait_until(lambda: crews[0].ends, "the first of a thousand ends a second")
    with Meter(redis_server) as meter:
        wait_until(lambda: len(crews[0].ends) == len(refs), "the ends")
        who = {client["addr"]: client["name"] for client in store.redis.client_list()}
    cost = Counter()
    for address, sent in meter.sent.items():
        cost[who.get(address, "")] += sent
    others = sum(cost[f"worker{number}"] for number in range(3) if number != first)
    assert 0 < others < cost[f"worker{first}"] / 2, cost


def test_when_the_first_one_is_killed_ends_are_punctual_again_within_3_s_and_each_is_there_once(crews, store):
    first = first_of(crews, store)
    refs = open_many(store, 160, 1.0, 0.05)
    wait_until(lambda: len(first.ends) > 20, "some ends")
    first.kill()
    killed = time.time()
    wait_until(lambda: len(first.ends) == len(refs), "all ends", 20)
    assert first.ends == {ref.sid: "expired" for ref in refs}
    late = [after for due, after in lateness(first).items() if due > killed + 3]
    assert len(late) > 30
    assert sorted(late)[len(late) // 2] < 0.1
    assert first_of([one for one in crews if one is not first], store)


def test_what_the_first_one_heard_of_and_died_of_another_ends_for_its_true_reason(crews, store, open_session):
    first = first_of(crews, store)
    ref = open_session()
    wait_until(lambda: first.events, "the start")
    first.signal(signal.SIGSTOP)
    store.redis.delete(store.keys.shards[0].session(ref.sid))
    first.kill()
    wait_until(lambda: first.ends, "the end", 6)
    assert first.ends == {ref.sid: "deleted"}
