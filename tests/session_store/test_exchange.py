"""Commands over connections of redis-py's pool: everybody gets their own answer, whatever happens to a connection."""

from __future__ import annotations

import time

import pytest
import redis
from redis.exceptions import ResponseError

from session_store.exchange import AWAKE, Exchange
from tests.servers import PATIENCE, RedisServer

#: Commands whose answers redis-py's client puts into another form, and some that it leaves.
COMMANDS = [
    ("GET", "text"),
    ("GET", "nothing"),
    ("EXISTS", "text"),
    ("SET", "text", "y", "PX", 60_000),
    ("HGETALL", "hash"),
    ("ZRANGE", "zset", 0, -1, "WITHSCORES"),
    ("ZSCAN", "zset", 0),
    ("SSCAN", "set", "0"),
    ("ZMSCORE", "zset", "a", "nobody"),
    ("XRANGE", "stream", "-", "+"),
    ("EVAL", "return {1, false, 'x', {2}}", 0),
    ("PTTL", "nothing"),
]


@pytest.fixture
def pool(redis_server, raw):
    with redis.Redis.from_url(redis_server.url, socket_timeout=PATIENCE) as client:
        yield client.connection_pool


@pytest.fixture
def exchange(pool):
    return Exchange(pool)


def id_of(exchange: Exchange) -> int:
    """Return by which number Redis knows the connection."""
    return exchange.ask(("CLIENT", "ID"))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_store_s_answers_are_redis_py_s(store, raw, words):
    raw.set("text", "x")
    raw.hset("hash", mapping={"a": "1", "b": "2"})
    raw.zadd("zset", {"a": 1, "b": 2.5})
    raw.sadd("set", "a")
    raw.xadd("stream", {"field": "value"}, id="1-1")
    assert store.command(*words) == store.redis.execute_command(*words)
    raw.flushall()


def test_words_are_texts_bytes_and_numbers(exchange):
    script = "return {KEYS[1], ARGV[1], ARGV[2], ARGV[3]}"
    assert exchange.ask(["EVAL", script, 1, "ä", b"\xff\0", 7, 2.5]) == ["ä".encode(), b"\xff\0", b"7", b"2.5"]


def test_an_error_is_raised_and_the_connection_serves_on(exchange):
    number = id_of(exchange)
    with pytest.raises(ResponseError):
        exchange.ask(("HGET",))
    assert id_of(exchange) == number


def test_of_several_commands_errors_are_answers(exchange):
    first, wrong, last = exchange.ask_all([("ECHO", "1"), ("HGET",), ("ECHO", "2")])
    assert (first, last) == (b"1", b"2")
    assert isinstance(wrong, ResponseError)
    assert exchange.ask(("ECHO", "3")) == b"3"


def test_a_word_that_can_t_be_sent_sends_nothing(exchange):
    number = id_of(exchange)
    with pytest.raises(UnicodeEncodeError):
        exchange.ask(("ECHO", "\ud800"))
    with pytest.raises(UnicodeEncodeError):
        exchange.ask_all([("SET", "a", "1"), ("ECHO", "\ud800")])
    assert exchange.ask(("EXISTS", "a")) == 0
    assert id_of(exchange) == number


def test_connections_that_redis_has_closed_are_noticed(exchange, raw):
    number = id_of(exchange)
    raw.client_kill_filter(_id=number)
    assert id_of(exchange) != number


def test_a_pool_that_was_disconnected_connects_again(exchange, pool):
    number = id_of(exchange)
    pool.disconnect()
    assert id_of(exchange) != number


@pytest.mark.parametrize("several", [False, True])
def test_who_gives_up_waiting_leaves_no_answer_to_the_next(pool, several):
    class Impatient(Exchange):
        gives_up = False

        def _wait(self, line):
            if self.gives_up:
                raise KeyboardInterrupt
            super()._wait(line)

    exchange, late = Impatient(pool), ("BLPOP", "nothing", 0.05)
    number = id_of(exchange)
    exchange.gives_up = True
    with pytest.raises(KeyboardInterrupt):
        _ = exchange.ask_all([late, late]) if several else exchange.ask(late)
    exchange.gives_up = False
    assert exchange.ask(("ECHO", "yours")) == b"yours"
    assert id_of(exchange) != number


def test_an_answer_that_comes_too_late_is_nobody_s():
    with RedisServer() as server, redis.Redis.from_url(server.url, socket_timeout=0.1) as client:
        exchange = Exchange(client.connection_pool)
        exchange.ask(("ECHO", "first"))
        server.pause()
        try:
            with pytest.raises(redis.TimeoutError):
                exchange.ask(("ECHO", "mine"))
        finally:
            server.resume()
        assert exchange.ask(("ECHO", "yours")) == b"yours"


def test_a_connection_on_which_something_is_left_to_read_serves_no_more(exchange):
    line = exchange._take()
    line.connection.send_command("ECHO", "nobody's")
    assert line.connection.can_read(timeout=5)
    exchange._idle.append(line)
    assert exchange.ask(("ECHO", "mine")) == b"mine"


def test_long_answers_are_waited_for_asleep(exchange):
    exchange.ask(("ECHO", "x"))
    before, start = time.thread_time(), time.monotonic()
    for _ in range(5):
        exchange.ask(("BLPOP", "nothing", 0.03))
    assert time.monotonic() - start >= 0.15
    assert time.thread_time() - before < 0.05


def test_after_some_long_answers_nobody_waits_awake_for_a_while(exchange):
    looks = []

    class Silent:
        def look(self, _):
            looks.append(time.perf_counter())
            return False

    waits = []
    for _ in range(200):
        before = len(looks)
        exchange._wait(Silent())
        waits.append(len(looks) > before)
    # One, then none; one, then none three times; and so on.
    assert [number for number, awake in enumerate(waits) if awake][:5] == [0, 2, 6, 14, 30]
    assert sum(waits) <= 9
    assert looks[-1] - looks[0] < 200 * AWAKE * 50
