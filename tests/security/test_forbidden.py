"""What each of the three may not do, by hand or in a script: what a stolen password is worth."""

from __future__ import annotations

import re

import pytest
from redis.exceptions import NoPermissionError, ResponseError

from session_store import Person, Store, StoreUnavailable, make_nonce, make_token, verbs
from tests.servers import server_binary, version_of

#: Whether a command can be granted for some keys alone.
SELECTORS = version_of(server_binary()) >= (7, 0)

#: What nobody needs.
NOBODY = """
GET other:key | SET other:key 1 | DEL other:key | EVAL return(redis.call('GET','other:key')) 0
KEYS * | RANDOMKEY | DBSIZE | FLUSHDB | FLUSHALL | SWAPDB 0 1 | MOVE sso:{0}:audit 1
CONFIG GET * | CONFIG SET maxmemory 1 | CONFIG REWRITE | ACL LIST | ACL SETUSER x | ACL GETUSER wiki-site | ACL LOG
SCRIPT FLUSH | SCRIPT KILL | MONITOR | SHUTDOWN NOSAVE | SAVE | BGSAVE | REPLICAOF NO ONE
CLIENT LIST | CLIENT KILL ID 1 | PUBLISH sso:x 1 | PSUBSCRIBE * | SUBSCRIBE __keyspace@0__:other | MODULE LIST
RESTORE sso:{0}:records 0 x | RENAME sso:{0}:records x | COPY sso:{0}:records x | DUMP sso:{0}:records
XDEL sso:{0}:audit 1-0 | XSETID sso:{0}:audit 0-1 | DEL sso:{0}:audit | DEL sso:{0}:records | DEL sso:{0}:ended
SET sso:{0}:sessions 1 | DEL sso:{online}:members | EXPIRE sso:{0}:audit 1 | PERSIST sso:{0}:session:x
"""

#: What one of them may not do, beside that.
FORBIDDEN = {
    "wiki-wiki": """
SET sso:{0}:session:x 1 | GETSET sso:{0}:session:x 1 | EVAL return(redis.call('SET','sso:{0}:session:x',1)) 0
SMEMBERS sso:{0}:users:1 | SCAN 0 | ZRANGE sso:{0}:sessions 0 -1 | HGETALL sso:{0}:records
 HSCAN sso:{0}:records 0
HKEYS sso:{0}:records | XREAD STREAMS sso:{0}:audit 0 | XRANGE sso:{0}:audit - + | XTRIM sso:{0}:audit MAXLEN 0
HSET sso:{0}:readers a b | HGET sso:{0}:readers a | HDEL sso:{0}:readers a | HGETALL sso:{online}:names
HSET sso:{0}:workers a b | SET sso:{0}:lease 1 | SADD sso:{online}:hiding 1 | INFO | PSUBSCRIBE __keyspace@0__:sso:*
ZREVRANGEBYSCORE sso:{online}:members +inf -inf
""",
    "wiki-site": """
SCAN 0 | HSCAN sso:{0}:records 0 | INFO | PSUBSCRIBE __keyspace@0__:sso:*:session:*
HSCAN sso:{0}:ended 0 | KEYS sso:*
""",
    "wiki-worker": """
GETSET sso:{0}:session:x 1 | SMEMBERS sso:{online}:hiding | ZREVRANGEBYSCORE sso:{online}:members +inf -inf
PSUBSCRIBE __keyspace@0__:* | PSUBSCRIBE __keyspace@*__:sso:* | HSETNX sso:{0}:ended x y
""",
}

#: What they may not do where Redis can grant a command for some keys alone.
FORBIDDEN_BY_SELECTORS = {
    "wiki-wiki": """
HSET sso:{0}:records x y | EVAL return(redis.call('HSET','sso:{0}:records','x','y')) 0 | ZADD sso:{0}:session:x 1 a
HDEL sso:{0}:ended x | HGET sso:{online}:names 1 | HSET sso:{online}:state window 1 | XADD sso:{0}:session:x * a b
DEL sso:{0}:sessions | PEXPIREAT sso:{0}:sessions 1 | ZREM sso:{online}:guests a | HMGET sso:{online}:names 1
""",
    "wiki-site": """
HDEL sso:{0}:ended x | SET sso:{0}:records 1 | HGETALL sso:{0}:records
HSET sso:{0}:workers a b | DEL sso:{0}:sessions | SET sso:{0}:sessions 1
""",
    "wiki-worker": """
SET sso:{0}:session:x 1 | EVAL return(redis.call('SET','sso:{0}:session:x',1)) 0 | HSET sso:{0}:records x y
ZADD sso:{0}:session:x 1 a | SADD sso:{0}:session:x 1 | DEL sso:{0}:sessions | HSET sso:{online}:names 1 x
HMGET sso:{online}:names 1
""",
}


def commands(text: str) -> list[str]:
    return [command.strip() for line in text.splitlines() if line for command in line.split(" | ")]


def cases() -> list[tuple[str, str]]:
    found = [(user, command) for user, text in FORBIDDEN.items() for command in commands(text + NOBODY)]
    if SELECTORS:
        found += [(user, command) for user, text in FORBIDDEN_BY_SELECTORS.items() for command in commands(text)]
    return [(user, command) for user, command in found if SELECTORS or not command.startswith(("DEL sso", "SET sso"))]


@pytest.mark.parametrize(("user", "command"), cases())
def test_nobody_may_do_what_is_not_needed(scene, store_of, user, command):
    token = scene.opened()
    with pytest.raises((NoPermissionError, ResponseError), match=r"(?i)permission|can't (run|access)"):
        store_of(user).redis.execute_command(*command.split(" "))
    assert scene.store.read(token)


@pytest.mark.parametrize("user", ["wiki-wiki", "wiki-worker"] if SELECTORS else ["wiki-wiki"])
def test_only_the_site_opens_sessions(scene, store_of, user):
    token = make_token(b"forged", make_nonce(), 0, 0)
    store: Store = store_of(user)
    with pytest.raises(StoreUnavailable, match="may not"):
        store.open(token, Person("1", "sally"), age=60_000)
    assert scene.store.read(token) is None
    assert scene.store.count() == 0


def test_a_wiki_that_may_not_write_records_notes_nothing_there_and_is_not_refused_for_it(scene, store_of, admin):
    token, shard = scene.opened(), scene.shard
    record = admin.hget(shard.records, token.sid)
    old = re.sub(rb'"created":\d+', b'"created":1', record)
    admin.hset(shard.records, token.sid, old)
    check = store_of("wiki-wiki").run(verbs.check(shard, token.sid, age=None, place="wiki"))
    assert check.session
    assert (admin.hget(shard.records, token.sid) == old) is SELECTORS
    assert [entry for entry in admin.acl_log() if entry["username"] == "wiki-wiki"] == []
