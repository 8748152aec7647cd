"""The wiki's check of a cookie: ours beside a bare GET, a bare EVALSHA, and the way of 2012."""

from __future__ import annotations

import time

import redis

from benchmarks.cores import apart
from benchmarks.filling import HOUR, fill, now_ms, person, store_on
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale
from benchmarks.timing import medians, tails, time_in_turn
from session_store import make_nonce, make_token
from tests.servers import RedisServer

#: The least that a check must ask: does the key live, and what is its record?
LEAST = "return { redis.call('EXISTS', KEYS[1]), redis.call('HGET', KEYS[2], ARGV[1]) }"

ZSET = "wiki:2012"


def run(scale: Scale) -> Result:
    """Time each in turn."""
    with RedisServer() as server, apart(server.pid):
        store = store_on(server)
        fill(store, scale.beside, lambda _: now_ms() + 5 * HOUR)
        token, keys = make_token(b"secret", make_nonce(), 1, 0), store.keys.shards[0]
        assert store.open(token, person(1), age=HOUR).lives
        plain = store.redis
        plain.set("plain", "x" * 120)
        sha = plain.script_load(LEAST)
        session, records, sid = keys.session(token.sid), keys.records, token.sid
        plain.zadd(ZSET, {token.value: time.time() + 3600})

        def as_in_2012() -> bool:
            client = redis.Redis(host="127.0.0.1", port=server.port)
            deadline = client.zscore(ZSET, token.value)
            client.close()
            return bool(deadline and deadline > time.time())

        assert store.read(token)
        assert as_in_2012()
        took = time_in_turn(
            {
                "GET": lambda: plain.get("plain"),
                "Store.read": lambda: store.read(token),
                "EVALSHA": lambda: plain.evalsha(sha, 2, session, records, sid),
            },
            scale.calls,
        )
        old = time_in_turn({"2012": as_in_2012, "Store.read": lambda: store.read(token)}, scale.calls // 4)
    half, old_half = medians(took), medians(old)
    ratio, gain = half["Store.read"] / half["GET"], old_half["2012"] / old_half["Store.read"]
    beside = {
        "Store.read, µs": half["Store.read"],
        "GET, µs": half["GET"],
        "bare EVALSHA / GET": half["EVALSHA"] / half["GET"],
    }
    return Result(
        [
            Row("Store.read against a bare pooled GET", ratio, "×", "≤ 1.25 ×", ratio <= 1.25, beside, tails(took)),
            Row(
                "the wiki's check: how many times as fast as in 2012",
                gain,
                "×",
                "≥ 20 ×",
                gain >= 20,
                {"2012, µs": old_half["2012"], "ours, µs": old_half["Store.read"]},
                "in 2012: a connection for each call, ZSCORE",
            ),
        ],
        {"check: µs": [half["GET"], half["EVALSHA"], half["Store.read"], old_half["2012"]]},
    )
