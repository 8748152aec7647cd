from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from session_store import Config, Store
from session_store.stopping import IMPATIENT, stop_on_signals
from tests.servers import RedisServer
from tests.wait import wait_until

from .conftest import open_on

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_to_stop(number):
    with stop_on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)


def test_afterwards_the_old_handlers_are_back_even_after_an_error():
    old = [signal.getsignal(number) for number in SIGNALS]
    with contextlib.suppress(ValueError), stop_on_signals():
        assert [signal.getsignal(number) for number in SIGNALS] != old
        raise ValueError
    assert [signal.getsignal(number) for number in SIGNALS] == old


def test_the_second_signal_leaves_at_once_and_nothing_is_lost(start_worker):
    with RedisServer() as server:
        worker = start_worker(url=server.url, WIKI_REDIS_TIMEOUT="30")
        worker.wait_for_log("listening")
        store = Store(Config(redis_url=server.url, redis_timeout=15))
        ref = open_on(store)
        wait_until(lambda: len(worker.events) == 1, "the start")
        server.pause()
        worker.signal(signal.SIGTERM)
        worker.wait_for_log("stopping")
        assert worker.running
        start = time.monotonic()
        worker.signal(signal.SIGTERM)
        assert worker.wait() == IMPATIENT
        assert time.monotonic() - start < 1
        server.resume()
        store.end(ref, "logout")
        worker.start()
        wait_until(lambda: worker.ends == {ref.sid: "logout"}, "the end")
        assert len(worker.events) == 2


def test_one_signal_is_enough_within_5_s_though_redis_hangs(start_worker):
    with RedisServer() as server:
        worker = start_worker(url=server.url, WIKI_REDIS_TIMEOUT="30")
        worker.wait_for_log("listening")
        server.pause()
        start = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - start < 5
        server.resume()


def test_a_stop_writes_down_what_ended_before_it(start_worker, open_session, store):
    worker = start_worker()
    worker.wait_for_log("listening")
    refs = [open_session() for _ in range(100)]
    for ref in refs:
        store.end(ref, "logout")
    assert worker.stop() == 0
    assert set(worker.ends) == {ref.sid for ref in refs}
    assert store.redis.xlen(store.keys.shards[0].audit) == 0
