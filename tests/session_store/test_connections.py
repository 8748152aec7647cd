from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from session_store import Config, Person, Ref, Store, StoreUnavailable
from session_store.breaker import PAUSE
from session_store.connections import client, database, server_name
from session_store.scripts import load
from tests.servers import RedisServer, free_port
from tests.session_store.samples import HOUR, SALLY, ends, new_token, opened, ref_of
from tests.wait import wait_until

#: Seconds; short, so that a hung server costs the tests little.
TIMEOUT = 0.2

#: What a loaded machine may add to a time-out.
LEEWAY = 0.4


def test_stores_of_one_redis_share_a_pool(redis_server, store):
    assert Store(store.config).redis is store.redis
    assert Store(Config(redis_url=redis_server.url_of(3))).redis is not store.redis


def test_commands_that_block_have_a_pool_of_their_own(redis_server):
    config = Config(redis_url=redis_server.url)
    assert client(config, patience=7) is client(config, patience=7)
    assert client(config, patience=7) is not client(config)


def test_many_threads_get_their_own_answers_over_few_connections(store, raw):
    tokens = {str(number): new_token() for number in range(16)}
    for name, token in tokens.items():
        store.open(token, Person(name, f"user {name}"), age=HOUR)
    before = raw.info("stats")["total_connections_received"]

    def mistakes(name):
        found = [store.read(tokens[name]) for _ in range(50)]
        found += [store.check([tokens[name], new_token()])[0].session for _ in range(20)]
        return [session for session in found if session is None or session.ref.user_id != name]

    with ThreadPoolExecutor(16) as pool:
        assert not [wrong for wrongs in pool.map(mistakes, tokens) for wrong in wrongs]
    assert raw.info("stats")["total_connections_received"] - before <= 16


def exit_codes(work, children: int) -> set[int]:
    """Do some work in child processes; return how they ended: 0 where all went well."""
    alive, codes = {_forked(work) for _ in range(children)}, set()

    def none_is_left() -> bool:
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                alive.remove(pid)
                codes.add(os.waitstatus_to_exitcode(status))
        return not alive

    try:
        wait_until(none_is_left, "the children to end", 8)
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return codes


def _forked(work) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return pid


def test_a_store_can_be_used_after_a_fork_while_threads_use_it(store):
    tokens = [opened(store) for _ in range(4)]
    stop, wrong = threading.Event(), []

    def keep_reading(token):
        while not stop.is_set():
            session = store.read(token)
            if session is None or session.ref.sid != token.sid:
                wrong.append(session)

    def read_all() -> bool:
        return all(store.read(token).ref.sid == token.sid for _ in range(20) for token in tokens)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(keep_reading, token) for token in tokens]
        try:
            assert exit_codes(read_all, 20) == {0}
            assert read_all()
        finally:
            stop.set()
        for reader in readers:
            reader.result()
    assert not wrong


def test_a_child_can_make_a_store_though_a_thread_was_making_one_at_the_fork(redis_server, store):
    token = opened(store)
    stop = threading.Event()

    def keep_making():
        for number in count():
            if stop.is_set():
                break
            client(Config(redis_url=redis_server.url), patience=100 + number)

    with ThreadPoolExecutor(2) as pool:
        makers = [pool.submit(keep_making) for _ in range(2)]
        try:
            config = Config(redis_url=redis_server.url_of(0))
            assert exit_codes(lambda: Store(config).read(token) is not None, 30) == {0}
        finally:
            stop.set()
        for maker in makers:
            maker.result()


@pytest.fixture(scope="module")
def hung():
    """A server that accepts connections and says nothing."""
    with RedisServer() as server:
        server.pause()
        yield server


def refused_after(call) -> float:
    """Return the seconds until a call says that the store is unavailable."""
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        call()
    return time.monotonic() - began


CALLS = {
    "open": lambda store: store.open(new_token(), SALLY, age=HOUR),
    "open, replacing": lambda store: store.open(new_token(), SALLY, age=HOUR, replaces=[Ref(0, "a" * 22, "1")]),
    "read": lambda store: store.read(new_token()),
    "check one": lambda store: store.check([new_token()]),
    "check two": lambda store: store.check([new_token(), new_token()]),
    "renew": lambda store: store.renew(new_token()),
    "end": lambda store: store.end(Ref(0, "a" * 22), "logout"),
    "end_user": lambda store: store.end_user("1", "revoked"),
    "end_due": lambda store: store.end_due(store.keys.shards[0]),
    "sessions_of": lambda store: store.sessions_of("1"),
    "sessions": lambda store: list(store.sessions()),
    "count": lambda store: store.count(),
}


@pytest.mark.parametrize("verb", CALLS)
def test_a_hung_server_costs_one_timeout_and_then_nothing(hung, verb):
    store = Store(Config(redis_url=hung.url, redis_timeout=TIMEOUT))
    assert TIMEOUT * 0.9 < refused_after(lambda: CALLS[verb](store)) < TIMEOUT + LEEWAY
    assert sum(refused_after(lambda call=call: call(store)) for call in CALLS.values()) < len(CALLS) * TIMEOUT / 4


def test_a_hung_server_that_was_never_connected_to_costs_one_timeout(hung):
    stores = [Store(Config(redis_url=hung.url_of(number), redis_timeout=TIMEOUT)) for number in (4, 5, 6)]
    assert all(refused_after(store.count) < TIMEOUT + LEEWAY for store in stores)


def test_stores_of_one_redis_that_differ_in_patience_wait_for_it_once(hung):
    store = Store(Config(redis_url=hung.url, redis_timeout=TIMEOUT))
    hurried = Store(Config(redis_url=hung.url, redis_timeout=TIMEOUT / 2), beside=store)
    assert refused_after(hurried.count) < TIMEOUT / 2 + LEEWAY
    assert refused_after(store.count) < TIMEOUT / 4


def test_threads_wait_for_a_hung_server_at_the_same_time_and_not_in_turn(hung):
    store = Store(Config(redis_url=hung.url, redis_timeout=TIMEOUT))
    with ThreadPoolExecutor(12) as pool:
        waits = list(pool.map(lambda _: refused_after(store.count), range(24)))
    assert sum(waits) < 14 * (TIMEOUT + LEEWAY)
    assert max(waits) < TIMEOUT + LEEWAY


def test_after_a_second_a_server_that_answers_again_is_used_again(raw):
    with RedisServer() as server:
        store = Store(Config(redis_url=server.url, redis_timeout=TIMEOUT))
        token = opened(store)
        server.pause()
        refused_after(lambda: store.read(token))
        refused = time.monotonic()
        server.resume()
        with pytest.raises(StoreUnavailable, match="a moment ago"):
            store.read(token)

        def read_again():
            try:
                return store.read(token)
            except StoreUnavailable:
                return None

        assert wait_until(read_again, "the store to try again").ref.sid == token.sid
        assert PAUSE - 0.05 < time.monotonic() - refused < PAUSE + LEEWAY


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(raw):
    with RedisServer() as server:
        store = Store(Config(redis_url=server.url, redis_timeout=TIMEOUT), pause=0)
        tokens = {name: new_token() for name in ("1", "2")}
        for name, token in tokens.items():
            store.open(token, Person(name, name), age=HOUR)
        for _ in range(3):
            server.pause()
            refused_after(lambda: store.read(tokens["1"]))
            refused_after(lambda: store.check(list(tokens.values())))
            server.resume()
            assert store.read(tokens["2"]).ref.user_id == "2"
            checks = store.check(list(tokens.values()))
            assert [check.session.ref.user_id for check in checks] == ["1", "2"]


@pytest.mark.parametrize("call", [CALLS["read"], CALLS["check two"], CALLS["end"]])
def test_a_refused_connection_is_told_at_once_without_credentials(call):
    port = free_port()
    store = Store(Config(redis_url=f"redis://sally:hunter2@127.0.0.1:{port}/0"))
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        call(store)
    assert time.monotonic() - began < LEEWAY
    assert caught.value.server == f"127.0.0.1:{port}"
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "sally" not in str(caught.value)


def test_a_server_that_comes_back_from_a_refusal_is_used_at_once(raw):
    with RedisServer() as server:
        store = Store(Config(redis_url=server.url))
        server.stop()
        refused_after(store.count)
        server.start()
        assert store.count() == 0


@pytest.mark.parametrize("password", ["", ":hunter3@", "sally:hunter3@"])
def test_a_refused_password_is_told_without_it(password):
    with RedisServer(requirepass="hunter2") as server:
        store = Store(Config(redis_url=f"redis://{password}127.0.0.1:{server.port}/0"))
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as caught:
                store.read(new_token())
            assert "hunter" not in str(caught.value)
        assert Store(Config(redis_url=server.url)).count() == 0


def test_forgotten_scripts_are_told_again(store, raw):
    token = opened(store)
    for call in (
        lambda: store.read(token).ref.sid == token.sid,
        lambda: store.check([token])[0].session.ref.sid == token.sid,
        lambda: [bool(check.session) for check in store.check([token, new_token(), token])] == [True, False, True],
        lambda: store.open(new_token(), SALLY, age=HOUR, replaces=[ref_of(new_token(), SALLY)]).lives,
        lambda: store.end(ref_of(token), "logout") == "logout",
    ):
        raw.script_flush()
        assert call()
    assert ends(store) == {token.sid: "logout"}


def test_a_script_forgotten_in_the_middle_is_run_once(store, raw):
    old, new = opened(store), new_token()
    store.check([old, old])
    raw.script_flush()
    raw.script_load(load("open").source)
    assert store.open(new, SALLY, age=HOUR, replaces=[ref_of(old, SALLY)]).status == "opened"
    assert ends(store) == {old.sid: "replaced"}


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_pooled_connections_outlive_a_restart_of_the_server(raw, how):
    with RedisServer(appendonly=True, appendfsync="always") as server:
        store = Store(Config(redis_url=server.url))
        tokens = [opened(store) for _ in range(3)]
        pool = store.redis.connection_pool
        connections = [pool.get_connection() for _ in range(5)]
        for connection in connections:
            pool.release(connection)
        if how == "restart":
            server.restart()
        else:
            server.kill()
            server.start()
        assert [store.read(token).ref.sid for token in tokens] == [token.sid for token in tokens]
        assert len(store.check([*tokens, *tokens])) == 6


def test_a_connection_closed_by_the_server_is_replaced_unnoticed(store, raw):
    token = opened(store)
    for _ in range(3):
        raw.client_kill_filter(_type="normal", skipme=True)
        assert store.read(token).ref.sid == token.sid


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://localhost", "localhost:6379"),
        ("redis://sally:hunter2@example.org:7000/3", "example.org:7000"),
        ("rediss://:hunter2@example.org", "example.org:6379"),
        ("unix:///run/redis.sock?db=2", "/run/redis.sock"),
        ("unix://sally:hunter2@/run/redis.sock", "/run/redis.sock"),
        ("redis://", "localhost:6379"),
    ],
)
def test_a_server_is_named_without_credentials(url, name):
    assert server_name(url) == name


@pytest.mark.parametrize(
    ("url", "number"),
    [("redis://h", 0), ("redis://h/7", 7), ("redis://h?db=3", 3), ("unix:///run/r.sock?db=2", 2), ("rediss://h/1", 1)],
)
def test_the_number_of_the_database_is_found(url, number):
    assert database(url) == number


def test_sessions_of_two_databases_stay_apart(redis_server, store):
    other = Store(Config(redis_url=redis_server.url_of(9)))
    token = opened(store)
    assert other.read(token) is None
    assert other.count() == 0
