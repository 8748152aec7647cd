"""Workers on a real server, and sessions opened by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session_store import Person, Ref, Store, make_nonce, make_token
from tests.servers import RedisServer

from .processes import WorkerProcess

HOUR = 3_600_000


@pytest.fixture
def open_session(store: Store) -> Callable[..., Ref]:
    """Open a session and return its name."""
    return lambda user_id="1", age=HOUR, idle=None, store=store: open_on(store, user_id, age, idle)


@pytest.fixture
def start_worker(tmp_path: Path, redis_server: RedisServer) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers; what still runs afterwards is killed."""
    started: list[WorkerProcess] = []

    def start(*words: str, url: str = redis_server.url, **settings: str) -> WorkerProcess:
        worker = WorkerProcess(tmp_path, url, *words, **settings)
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.__exit__(None, None, None)


def open_on(store: Store, user_id: str = "1", age: int = HOUR, idle: int | None = None) -> Ref:
    """Open a session on a store and return its name."""
    token = make_token(b"the site's", make_nonce(), 0, store.keys.of_user(user_id).number)
    assert store.open(token, Person(user_id, f"user {user_id}", ip="192.0.2.7"), age=age, idle=idle).lives
    return Ref(token.shard, token.sid, user_id)
