"""Sessions by the hundred thousand, opened as the site opens them, and keys of other people."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

import redis

from session_store import Config, Person, Ref, Store, verbs
from tests.servers import RedisServer
from tests.wait import wait_until

#: Bytes of a record as stored.
RECORD = 120

#: Sessions opened in one round trip.
TOGETHER = 500

HOUR = 3_600_000


def store_on(server: RedisServer) -> Store:
    """Return a patient store: a benchmark waits, it doesn't fail."""
    return store_at(server.url)


def store_at(url: str, *, shards: int = 1) -> Store:
    """Return the same for a URL, and any number of shards."""
    return Store(Config(redis_url=url, redis_shards=shards, redis_timeout=60), pause=0)


def now_ms() -> int:
    """Return the time, ms since the epoch; server and benchmark have one clock."""
    return time.time_ns() // 1_000_000


def person(number: int) -> Person:
    """Return one of many users, whose record is `RECORD` bytes long."""
    someone = Person(str(number), f"user{number}", ip=f"192.0.2.{number % 250}")
    # Its two times, which Redis puts in front: {"created":…,"expires":…,
    have = len(someone.to_json()) + len('"created":,"expires":,') + 2 * 13
    return Person(someone.user_id, someone.name, ip=someone.ip, user_agent="x" * (RECORD - have - len(',"agent":""')))


def fill(store: Store, count: int, expires_at: Callable[[int], int], *, first: int = 0) -> list[Ref]:
    """Open sessions, one a user, and return their names.

    Args:
        store: where.
        count: how many.
        expires_at: a session's number → its expiry, ms since the epoch.
        first: the first user's number.
    """
    refs: list[Ref] = []
    for start in range(0, count, TOGETHER):
        calls = []
        for number in range(start, min(start + TOGETHER, count)):
            someone = person(first + number)
            keys, sid = store.keys.of_user(someone.user_id), secrets.token_urlsafe(16)
            calls.append(verbs.open_session(keys, sid, someone, expires_at=expires_at(number), age=None, idle=None))
            refs.append(Ref(keys.number, sid, someone.user_id))
        store.run_all(calls)
    return refs


def forget_starts(store: Store) -> None:
    """Empty the stream: these sessions' starts were written down long ago."""
    for keys in store.keys.shards:
        store.command("DEL", keys.audit)
    # Redis frees what is large in a thread of its own.
    servers = [node.redis for node in store.link.primaries()]
    wait_until(lambda: not any(map(_frees, servers)), "the memory to be free", 60)


def _frees(server: redis.Redis) -> bool:
    return bool(server.info("memory")["lazyfree_pending_objects"])


def shift(store: Store, deadline: int) -> None:
    """Make every session's lifetime end at one moment, sooner than it did (ms since the epoch)."""
    script = """
        for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], -5000, -1)) do
          redis.call('PEXPIREAT', ARGV[2] .. sid, ARGV[1])
          redis.call('ZADD', KEYS[1], ARGV[1], sid)
          local record = redis.call('HGET', KEYS[2], sid)
          redis.call('HSET', KEYS[2], sid, (string.gsub(record, '"expires":%d+', '"expires":' .. ARGV[1], 1)))
        end
    """
    for keys in store.keys.shards:
        # What is shifted goes to the front, so the next ones are the last again.
        for _ in range(0, int(store.command("ZCARD", keys.sessions)), 5000):
            store.command("EVAL", script, 2, keys.sessions, keys.records, deadline, keys.session(""))


def foreign_keys(client: redis.Redis, count: int) -> None:
    """Set keys of other people that live for long."""
    script = "for i = ARGV[1], ARGV[2] do redis.call('SET', 'foreign:' .. i, 'x', 'EX', 100000) end"
    for first, last in _pieces(count, 50_000):
        client.eval(script, 0, first, last)


def _pieces(count: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, size):
        yield first, min(first + size, count) - 1
