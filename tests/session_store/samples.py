"""What these tests talk about: people, tokens, and short looks into the server."""

from __future__ import annotations

from session_store import Person, Ref, Store, Token, make_nonce, make_token
from session_store.entries import events_of
from session_store.events import Event
from tests.wait import wait_until

#: In ms; an hour is as good as for ever for a test, and a minute is more than any test takes.
HOUR = 3_600_000
MINUTE = 60_000

SALLY = Person("1", "sally", "sally@example.org", "Sally Smith", "192.0.2.1", "Firefox")
HARRY = Person("2", "harry")


def new_token(shard: int = 0) -> Token:
    """Return a token that no other test has."""
    return make_token(b"secret", make_nonce(), 1, shard)


def ref_of(token: Token, person: Person | None = None) -> Ref:
    """Return a session's name, with its user where given."""
    return Ref(token.shard, token.sid, person.user_id if person else None)


def opened(store: Store, person: Person = SALLY, *, age: int = HOUR, idle: int | None = None) -> Token:
    """Open a session and return its token."""
    token = new_token()
    assert store.open(token, person, age=age, idle=idle).status == "opened"
    return token


def server_time(store: Store) -> int:
    """Return Redis' clock, ms since the epoch."""
    seconds, micros = store.command("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def wait_past(store: Store, moment: int) -> None:
    """Wait until Redis' clock is past a moment."""
    wait_until(lambda: server_time(store) > moment, f"Redis' clock to pass {moment}")


def over(store: Store, person: Person = SALLY, *, age: int = 1, idle: int | None = None) -> Token:
    """Open a session, see its time pass, and return its token; nothing has ended it yet."""
    token = opened(store, person, age=age, idle=idle)
    wait_past(store, server_time(store) + min(age, idle or age))
    return token


def history(store: Store, shard: int = 0) -> list[Event]:
    """Return what the stream says, all of it readable."""
    stream = store.keys.shards[shard].audit
    entries = store.redis.xrange(stream)
    return [event for position, fields in entries for event in events_of(position, fields, stream)]


def ends(store: Store, shard: int = 0) -> dict[str, str | None]:
    """Return each ended session's sid and reason; an end that is told twice is an error."""
    found = [event for event in history(store, shard) if event.action == "end"]
    assert len({event.sid for event in found}) == len(found), f"a session ended twice: {found}"
    return {event.sid: event.reason for event in found}


def contents(store: Store) -> dict[bytes, object]:
    """Return all that is in the database, to see whether a verb changes anything."""
    return {key: (_value(store, key), store.redis.pexpiretime(key)) for key in store.redis.scan_iter()}


def _value(store: Store, key: bytes) -> object:
    """Return what a key holds; DUMP would also tell in which order Redis happens to keep it."""
    read = {
        b"string": store.redis.get,
        b"hash": store.redis.hgetall,
        b"set": store.redis.smembers,
        b"zset": lambda key: store.redis.zrange(key, 0, -1, withscores=True),
        b"stream": store.redis.xrange,
        b"list": lambda key: store.redis.lrange(key, 0, -1),
    }
    return read[store.redis.type(key)](key)
